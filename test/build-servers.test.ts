import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeEach, expect, test } from 'vitest'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('../.ci/build-servers', import.meta.url))
const TOOLS = ['bash', 'chmod', 'cp', 'echo', 'mkdir', 'mktemp', 'mv', 'rm', 'sed', 'timeout', 'touch']

/** A folder for commands, the only one in the path, and for the cache. */
const dir = mkdtempSync(join(tmpdir(), 'komgate-build-servers-'))
const cache = join(dir, 'cache/komgate')
afterAll(() => rmSync(dir, { recursive: true }))
beforeEach(async () => {
  rmSync(dir, { recursive: true })
  mkdirSync(join(dir, 'bin'), { recursive: true })
  for (const name of TOOLS) {
    const { stdout } = await run('bash', ['-c', `type -P ${name}`])
    symlinkSync(stdout.trim(), join(dir, 'bin', name))
  }
})

function command(name: string, script: string): void {
  writeFileSync(join(dir, 'bin', name), `#!${join(dir, 'bin/bash')}\n${script}\n`)
  chmodSync(join(dir, 'bin', name), 0o755)
}

/** Makes a `go` whose module has the file of the version, and a JDK. `build` is what `go build` does. */
function tools(build: string, mvn: string): void {
  const source = join(dir, 'source')
  mkdirSync(join(source, 'build/version'), { recursive: true })
  command('go', `case "$1 $3" in 'mod -json') echo '"Dir": "${source}"';; build*) ${build};; esac`)
  for (const name of ['java', 'javac']) command(name, '')
  command('mvn', mvn)
}

async function buildServers() {
  const env = { PATH: join(dir, 'bin'), HOME: dir, XDG_CACHE_HOME: join(dir, 'cache'), DOWNLOAD_TIMEOUT_S: '1' }
  return await run('bash', [SCRIPT], { env })
}
const BUILD = 'while [ "$1" != -o ]; do shift; done; echo > "$2"; chmod +x "$2"'
const MVN = `for each; do case $each in -DoutputDirectory=*) echo > "\${each#*=}/CouchbaseMock-1.5.27.jar"; esac; done`

test('.ci/build-servers builds both servers, and uses the cache in the next run', async () => {
  tools(BUILD, MVN)
  expect((await buildServers()).stderr).toBe('')
  expect(readdirSync(cache)).toEqual(['CouchbaseMock-1.5.27.jar', 'ferretdb-1.24.2'])
  // With the cache it needs neither the registries nor Go and Maven.
  for (const name of ['go', 'mvn']) rmSync(join(dir, 'bin', name))
  expect((await buildServers()).stderr).toBe('')
})

test('.ci/build-servers skips what it has no tools for', async () => {
  expect((await buildServers()).stderr.split('\n')).toEqual([
    'skipping the tests that require FerretDB: go is missing',
    'skipping the tests that require CouchbaseMock: a JDK is missing',
    '',
  ])
  expect(existsSync(cache)).toBe(false)
})

test.for(['exit 1', 'read -rt 60 <> <(:)'])('.ci/build-servers skips what it cannot download (%s)', async (fault) => {
  tools(BUILD, fault)
  command('go', fault)
  const { stderr } = await buildServers()
  expect(stderr).toContain('skipping the tests that require FerretDB: its source cannot be downloaded\n')
  expect(stderr).toContain('skipping the tests that require CouchbaseMock: it cannot be downloaded\n')
  expect(existsSync(cache)).toBe(false)
})

test('.ci/build-servers fails if a build fails', async () => {
  tools('exit 2', MVN)
  await expect(buildServers()).rejects.toMatchObject({ code: 2 })
})
