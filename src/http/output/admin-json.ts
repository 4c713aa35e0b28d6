import { SAMPLE_MS } from '../../ops/metrics/figures.ts'
import type { Metrics } from '../../ops/metrics/metrics.ts'
import { isoTime } from '../../protocol/json/time.ts'
import type { GatewaySession } from '../../sessions/gateway-session.ts'
import { LIMITS } from '../../sessions/limit-error.ts'
import type { ServerCheck } from '../../sessions/lyskom-server.ts'
import type { Registry } from '../../sessions/registry.ts'
import { handleOf } from '../../store/record.ts'
import type { AdminCheck, AdminFigures, AdminServer, AdminSession } from './schemas/index.ts'

/** A LysKOM server of the gateway. */
type Server = Pick<AdminServer, 'id' | 'name' | 'host' | 'port'>

/** Returns the figures of the gateway after a time. @param after milliseconds since 1970 */
export function figuresJson(metrics: Metrics, after: number): AdminFigures {
  return {
    interval_ms: SAMPLE_MS,
    limit_hits: Object.fromEntries(LIMITS.map((limit) => [limit, metrics.hitsOf(limit)])),
    samples: metrics.figures(after).map((figures) => ({
      time: figures.time,
      sessions: figures.sessions,
      requests_per_s: figures.requests,
      request_p50_ms: figures.requestP50,
      request_p99_ms: figures.requestP99,
      call_p50_ms: figures.callP50,
      call_p99_ms: figures.callP99,
      loop_p99_ms: figures.loopP99,
      loop_max_ms: figures.loopMax,
      memory_bytes: figures.memory,
      heap_bytes: figures.heap,
      limit_hits: figures.limitHits,
    })),
  }
}

/** Returns a server and what is known of it. */
export function serverJson({ id, name, host, port }: Server, registry: Registry): AdminServer {
  const { up = null, since, sessions = 0, openMs, lastFailure } = registry.serverState(id) ?? {}
  return {
    ...{ id, name, host, port, up, sessions },
    since: since?.toISOString() ?? null,
    open_ms: openMs == null ? null : milliseconds(openMs),
    last_error: lastFailure == null ? null : { code: lastFailure.code, time: lastFailure.time.toISOString() },
  }
}

/** Returns what a check of a server has found. */
export function checkJson({ time, openMs, replyMs }: ServerCheck): AdminCheck {
  return { time: isoTime(time), open_ms: milliseconds(openMs), reply_ms: milliseconds(replyMs) }
}

/** Returns a session of any client. @param now milliseconds of `performance.now()` */
export function sessionJson(
  { key, serverId, clientAddress, lyskom, lastUsed, idleMs, hasStreams }: GatewaySession,
  now: number,
): AdminSession {
  const { name, version } = lyskom.client
  const idle = Math.max(0, now - lastUsed)
  return {
    handle: handleOf(key),
    server: serverId,
    session_no: lyskom.connection.sessionNo,
    pers_no: lyskom.persNo === 0 ? null : lyskom.persNo,
    client: `${name} ${version}`.trim(),
    address: clientAddress,
    idle: seconds(idle),
    calls: lyskom.connection.calls,
    // An open stream suspends the idle timeout.
    lease: hasStreams ? null : Math.max(0, seconds(idleMs - idle)),
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}

/** Returns milliseconds to the microsecond. */
function milliseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
