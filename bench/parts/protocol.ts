import { fileURLToPath } from 'node:url'
import { startChild } from '../processes.ts'
import type { Compared, Decoded } from '../protocol-speed.ts'
import { median, ratioOfMedians } from '../rounds.ts'
import type { Scope } from '../scope.ts'
import { precise, type Row } from '../table.ts'

const CAPTURED = fileURLToPath(new URL('../../fixtures/wire', import.meta.url))

/** Measures how fast replies are decoded, against `JSON.parse` and against the same replies in other chunks. */
export async function measureProtocol(scope: Scope): Promise<Row[]> {
  const { decoded, split, large } = await (await startChild(scope, 'protocol-speed')).call('measureProtocol', CAPTURED)
  return [
    ...decoded.map(decodedRow),
    { what: 'a text-stat in single bytes', against: 'whole', aim: '<= 3', ...comparison(split) },
    { what: 'a text of 1 MB in 64 kB chunks', against: 'ten of 100 kB', aim: '<= 1.3', ...comparison(large) },
  ]
}

/** Both speeds are relative to the size of their own input. */
function decodedRow({ title, bytes, jsonBytes, what, against }: Decoded): Row {
  const speeds = what.map((ms) => bytes / 1000 / ms)
  const jsonSpeeds = against.map((ms) => jsonBytes / 1000 / ms)
  return {
    what: `decoding ${title}`,
    against: 'JSON.parse of the same values',
    ratio: ratioOfMedians(speeds, jsonSpeeds),
    aim: title.startsWith('all') ? '>= 1' : '',
    figures: `${precise(median(speeds))} / ${precise(median(jsonSpeeds))} MB/s; time for the same values x ${precise(ratioOfMedians(what, against))}`,
  }
}

function comparison({ what, against }: Compared): { ratio: number; figures: string } {
  return {
    ratio: ratioOfMedians(what, against),
    figures: `${precise(median(what) * 1000)} / ${precise(median(against) * 1000)} us`,
  }
}
