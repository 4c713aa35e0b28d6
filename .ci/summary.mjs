// Prints the failures of several vitest runs and a last line with the number of passed and failed tests.
// Usage: node summary.mjs RESULTS.json...; exits with 1 after a failure, and if a run has passed no test.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')))
const sum = (count) => runs.reduce((total, run) => total + count(run), 0)
const firstLines = (text) => text.split('\n').slice(0, 3).join('\n    ')

for (const { testResults } of runs) {
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(process.cwd(), name)
    const failures = assertionResults.filter((test) => test.status === 'failed')
    for (const { fullName, failureMessages } of failures) {
      console.log(`failed: ${file}: ${fullName}\n    ${firstLines(failureMessages.join('\n'))}`)
    }
    if (status === 'failed' && failures.length === 0) console.log(`failed: ${file}\n    ${firstLines(message)}`)
  }
}
const passed = sum((run) => run.numPassedTests)
const skipped = sum((run) => run.numPendingTests + run.numTodoTests)
const failed = sum((run) => run.numFailedTests || run.numFailedTestSuites)
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
if (failed > 0 || runs.some((run) => run.numPassedTests === 0)) process.exitCode = 1
