import { type Kom, RequestError } from 'komgate/client'
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useAsync } from '../../shared/use-async.ts'
import { fragmentOf } from '../address.ts'
import type { Reader } from '../reading/reader.ts'
import { Failure } from '../shell/failure.tsx'
import { Loading } from '../shell/parts.tsx'
import { t as common } from '../strings/index.ts'
import { JoinError, useJoin } from './join.tsx'
import { NEWEST } from './membership.ts'
import { isNewcomer } from './newcomer.tsx'
import { t } from './strings.ts'

const DELAY_MS = 150
/** The number of conferences that are shown at first, and that are added each time. */
const PAGE_SIZE = 25

/** A conference that has been found by its name. */
interface Found {
  conf_no: number
  name: string
  isClosed: boolean
}

/** The conferences in which the person is no member: those that match a name, or all if the person asks for them. */
export function OtherConferences({ reader, pattern }: { reader: Reader; pattern: string }) {
  const strings = t.value
  const [isAll, setAll] = useState(isNewcomer(reader))
  const settled = useSettled(pattern.trim())
  if (settled === '' && !isAll) {
    return (
      <Others>
        <button type="button" onClick={() => setAll(true)}>
          {strings.listAll}
        </button>
      </Others>
    )
  }
  return (
    <Others>
      <Matches key={settled} reader={reader} pattern={settled} />
    </Others>
  )
}

function Others({ children }: { children: ComponentChildren }) {
  return (
    <section class="others" aria-labelledby="others">
      <h2 id="others">{t.value.others}</h2>
      {children}
    </section>
  )
}

function Matches({ reader, pattern }: { reader: Reader; pattern: string }) {
  const strings = t.value
  const [count, setCount] = useState(PAGE_SIZE)
  const { value, error, retry } = useAsync(pattern, () => findConferences(reader.kom, pattern))
  if (error !== undefined) return <Failure error={error} onRetry={retry} />
  if (value === undefined) return <Loading />
  const others = value.filter(({ conf_no }) => reader.membership(conf_no) === undefined)
  return (
    <>
      <p class="quiet" role="status">
        {others.length === 0 ? strings.noOthers : strings.found(others.length)}
      </p>
      <ul class="rows" aria-labelledby="others">
        {others.slice(0, count).map((conference) => (
          <OtherRow key={conference.conf_no} reader={reader} conference={conference} />
        ))}
      </ul>
      {others.length > count && (
        <button type="button" onClick={() => setCount(count + PAGE_SIZE)}>
          {strings.more}
        </button>
      )}
    </>
  )
}

function OtherRow({ reader, conference }: { reader: Reader; conference: Found }) {
  const strings = t.value
  const { conf_no, name, isClosed } = conference
  const { join, isBusy, error } = useJoin(reader, conference)
  return (
    <li>
      <a href={fragmentOf(reader.server, 'conferences', conf_no)}>
        <bdi>{name}</bdi>
      </a>
      <span class="meta">
        {isClosed && <span class="quiet">{common.value.closed}</span>}
        <button type="button" aria-label={strings.joinNamed(name)} aria-disabled={isBusy} onClick={() => join(NEWEST)}>
          {strings.join}
        </button>
      </span>
      <JoinError error={error} name={name} />
    </li>
  )
}

/** Finds conferences by the beginnings of the words of their names. An empty pattern finds all. */
async function findConferences(kom: Kom, name: string): Promise<Found[]> {
  try {
    const found = await kom.call('lookup-z-name', { name, want_pers: false, want_confs: true })
    return found.map(({ conf_no, name: each, type }) => ({ conf_no, name: each, isClosed: type.rd_prot }))
  } catch (error) {
    // No name holds characters outside ISO 8859-1.
    if (error instanceof RequestError && error.httpStatus === 400) return []
    throw error
  }
}

/** Returns a value when it has not changed for a while. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), DELAY_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}
