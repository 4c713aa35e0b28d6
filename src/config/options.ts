// Generated from SETTINGS in settings.ts by `npm run docs`; do not edit.

/** The HTTP interface. */
export interface HttpOptions {
  /**
   * Address to listen on.
   * Valid: a host name or an address, without scheme, port and brackets.
   * @default 127.0.0.1
   */
  readonly host?: string
  /**
   * Port to listen on; 0 picks a free one.
   * Valid: 0 to 65535.
   * @default 5001
   */
  readonly port?: number
  /**
   * Path prefix of every route, such as /httpkom.
   * Valid: a path such as /kom, without a slash at its end.
   * @default none
   */
  readonly basePath?: string
  /**
   * Addresses and networks of reverse proxies, separated by commas.
   * Valid: addresses and networks such as 10.0.0.0/8.
   * @default none
   */
  readonly trustedProxies?: readonly string[]
  /**
   * Header in which trusted proxies report the client address: x-forwarded-for or forwarded.
   * Valid: x-forwarded-for or forwarded.
   * @default x-forwarded-for
   */
  readonly forwardedHeader?: 'x-forwarded-for' | 'forwarded'
  /**
   * Maximum request body size.
   * Valid: 1 to 1073741824.
   * @default 8388608 (8 MB)
   */
  readonly maxBodyBytes?: number
  /**
   * Maximum size of the request headers.
   * Valid: 1024 to 1048576.
   * @default 16384 (16 kB)
   */
  readonly maxHeaderBytes?: number
  /**
   * Timeout for receiving the request headers.
   * Valid: 1 to 2147483647.
   * @default 20000 (20 s)
   */
  readonly httpHeadersMs?: number
  /**
   * Timeout for receiving a complete request with its body.
   * Valid: 1 to 2147483647.
   * @default 120000 (2 min)
   */
  readonly httpRequestMs?: number
  /**
   * Keep-alive timeout of an HTTP connection without a request.
   * Valid: 1 to 2147483647.
   * @default 75000 (75 s)
   */
  readonly httpIdleMs?: number
  /**
   * Timeout of an HTTP connection without traffic in either direction.
   * Valid: 1 to 2147483647.
   * @default 180000 (3 min)
   */
  readonly httpStallMs?: number
  /**
   * WebSocket ping interval.
   * Valid: 1 to 2147483647.
   * @default 30000 (30 s)
   */
  readonly websocketPingMs?: number
  /**
   * Time for requests in flight to finish after SIGTERM or SIGINT.
   * Valid: 1 to 2147483647.
   * @default 10000 (10 s)
   */
  readonly shutdownTimeoutMs?: number
  /**
   * Origins whose pages may use the API, * for all.
   * Valid: * or origins such as https://kom.example.org.
   * @default *
   */
  readonly corsOrigins?: '*' | readonly string[]
  /**
   * How long browsers cache a CORS preflight response.
   * Valid: 1 to 2147483647.
   * @default 3600000 (1 h)
   */
  readonly corsMaxAgeMs?: number
  /**
   * Additional ways to send the connection id: bearer, cookie, query.
   * Valid: some of bearer, cookie, query.
   * @default none
   */
  readonly transports?: readonly ('bearer' | 'cookie' | 'query')[]
  /**
   * SameSite attribute of the session cookie.
   * Valid: lax, strict or none.
   * @default lax
   */
  readonly cookieSameSite?: 'lax' | 'strict' | 'none'
  /**
   * True adds the Partitioned attribute to the session cookie.
   * Valid: true or false.
   * @default false
   */
  readonly cookiePartitioned?: boolean
  /**
   * True opens a session for a request without a connection id.
   * Valid: true or false.
   * @default false
   */
  readonly autoCreate?: boolean
  /**
   * Whether the web client is served below /app/, to which / redirects browsers: on or off.
   * Valid: on or off.
   * @default on
   */
  readonly web?: 'on' | 'off'
}

/** Metrics, health checks and administration. */
export interface AdminOptions {
  /**
   * Address that the admin port listens on.
   * Valid: a host name or an address, without scheme, port and brackets.
   * @default 127.0.0.1
   */
  readonly adminHost?: string
  /**
   * Separate port for metrics, health checks and administration; 0 picks a free one.
   * Valid: 0 to 65535.
   * @default none
   */
  readonly adminPort?: number | undefined
  /**
   * Key for the administration API, which lists and ends all sessions.
   * Valid: 16 or more characters, without spaces.
   * @default none
   */
  readonly adminKey?: string
}

/** Limits of sessions, logins and clients. */
export interface LimitOptions {
  /**
   * Idle timeout of an anonymous session.
   * Valid: 1 to 2147483647.
   * @default 1800000 (30 min)
   */
  readonly sessionIdleMs?: number
  /**
   * Idle timeout of a session while a person is logged in.
   * Valid: 1 to 2147483647.
   * @default 604800000 (7 d)
   */
  readonly loginIdleMs?: number
  /**
   * Maximum number of sessions, on each node of a cluster.
   * Valid: 1 to 1000000.
   * @default 20000
   */
  readonly maxSessions?: number
  /**
   * Maximum number of sessions for one client address, on all nodes of a cluster.
   * Valid: 1 to 1000000.
   * @default 200
   */
  readonly maxSessionsPerAddress?: number
  /**
   * Maximum number of sessions on which one person is logged in, on all nodes of a cluster.
   * Valid: 1 to 1000000.
   * @default 50
   */
  readonly maxSessionsPerPerson?: number
  /**
   * Sessions that one client address may open per minute.
   * Valid: 1 to 10000000.
   * @default 1200
   */
  readonly maxOpeningsPerMinute?: number
  /**
   * Logins that one client address may try per minute.
   * Valid: 1 to 10000000.
   * @default 600
   */
  readonly maxLoginsPerMinute?: number
  /**
   * Consecutive wrong passwords for one person from one client address before logins are delayed.
   * Valid: 1 to 1000000.
   * @default 5
   */
  readonly freeLoginFailures?: number
  /**
   * Wrong passwords for one person from unknown networks before logins from these networks are delayed.
   * Valid: 1 to 1000000.
   * @default 100
   */
  readonly freeLoginFailuresPerPerson?: number
  /**
   * Maximum login delay; it starts at one second and doubles.
   * Valid: 1 to 2147483647.
   * @default 300000 (5 min)
   */
  readonly maxLoginDelayMs?: number
  /**
   * Unread responses of one WebSocket before the gateway stops reading from it.
   * Valid: 1 to 1073741824.
   * @default 1048576 (1 MB)
   */
  readonly maxUnreadBytesPerConnection?: number
  /**
   * Unread responses and request bodies held for one client address before its most stalled connections are dropped.
   * Valid: 1 to 1099511627776.
   * @default 67108864 (64 MB)
   */
  readonly maxUnreadBytesPerAddress?: number
  /**
   * Unread responses and request bodies held for all clients together.
   * Valid: 1 to 1099511627776.
   * @default 268435456 (256 MB)
   */
  readonly maxUnreadBytes?: number
  /**
   * Maximum number of WebSockets and event streams per session.
   * Valid: 1 to 1000.
   * @default 8
   */
  readonly maxWebsocketsPerSession?: number
  /**
   * Maximum number of messages per second on one WebSocket.
   * Valid: 1 to 1000000.
   * @default 1000
   */
  readonly maxWebsocketMessagesPerSecond?: number
}

/** The connections to LysKOM servers. */
export interface LyskomOptions {
  /**
   * Size of the cache of text bodies for each LysKOM server.
   * Valid: 0 to 1099511627776.
   * @default 33554432 (32 MB)
   */
  readonly bodyCacheBytes?: number
  /**
   * Timeout for opening a session on a LysKOM server.
   * Valid: 1 to 2147483647.
   * @default 10000 (10 s)
   */
  readonly connectTimeoutMs?: number
  /**
   * Delay before the next attempt to reach a LysKOM server after three consecutive failures.
   * Valid: 1 to 2147483647.
   * @default 2000 (2 s)
   */
  readonly serverRetryMs?: number
  /**
   * Timeout for the reply to a call.
   * Valid: 1 to 2147483647.
   * @default 20000 (20 s)
   */
  readonly callTimeoutMs?: number
  /**
   * Idle time of a LysKOM connection before a keepalive call is sent.
   * Valid: 1 to 2147483647.
   * @default 30000 (30 s)
   */
  readonly keepaliveMs?: number
  /**
   * Timeout for the reply to a keepalive call.
   * Valid: 1 to 2147483647.
   * @default 10000 (10 s)
   */
  readonly keepaliveTimeoutMs?: number
  /**
   * Maximum size of a message from a LysKOM server.
   * Valid: 1024 to 1073741824.
   * @default 33554432 (32 MB)
   */
  readonly maxMessageBytes?: number
}

/** The compatibility APIs of other session managers. */
export interface CompatApiOptions {
  /**
   * Compatibility APIs to serve.
   * Valid: some of rest-sessions, sessman, microapp.
   * @default none
   */
  readonly compat?: readonly ('rest-sessions' | 'sessman' | 'microapp')[]
  /**
   * Application keys as app:key, separated by commas; the app * stands for all.
   * Valid: app:key, the key without spaces and commas.
   * @default none
   */
  readonly appKeys?: readonly { readonly app: string; readonly key: string }[]
  /**
   * True serves the compatibility APIs without a key.
   * Valid: true or false.
   * @default false
   */
  readonly insecureCompat?: boolean
  /**
   * Lifetime of a sessman session after its last update.
   * Valid: 1 to 2147483647.
   * @default 86400000 (1 d)
   */
  readonly sessmanTtlMs?: number
}

/** The built-in demo server. */
export interface DemoOptions {
  /**
   * Texts that clients may write to the demo server; above it their oldest are deleted.
   * Valid: 1 to 1000000.
   * @default 10000
   */
  readonly demoMaxTexts?: number
  /**
   * Bytes of those texts, with their aux-items and links; above it their oldest are deleted.
   * Valid: 1 to 1099511627776.
   * @default 33554432 (32 MB)
   */
  readonly demoMaxTextBytes?: number
  /**
   * True stops the persons of the demo server from writing texts every few minutes.
   * Valid: true or false.
   * @default true
   */
  readonly demoQuiet?: boolean
}

/** Several nodes as one gateway. */
export interface ClusterOptions {
  /**
   * Redis database by which several nodes are one gateway: redis:// or rediss://.
   * Valid: a URL such as redis://host:6379/0.
   * @default none
   */
  readonly cluster?: string
  /**
   * Key with which the nodes sign their requests to each other.
   * Valid: 32 or more characters, without spaces.
   * @default none
   */
  readonly clusterKey?: string
  /**
   * Where other nodes reach this one; it listens on that port, and further workers on the ports after it.
   * Valid: a URL such as http://10.0.0.7:5002, with a port and without a path.
   * @default none
   */
  readonly nodeUrl?: string
  /**
   * Address to listen on for other nodes; default: the host of the node URL.
   * Valid: a host name or an address, without scheme, port and brackets.
   * @default none
   */
  readonly nodeHost?: string
  /**
   * Time after which a node that has ended is gone for the others.
   * Valid: 300 to 600000.
   * @default 10000 (10 s)
   */
  readonly leaseMs?: number
  /**
   * Time after SIGTERM or SIGINT in which the gateway serves its open sessions but opens no others.
   * Valid: 0 to 86400000.
   * @default 0
   */
  readonly drainMs?: number
  /**
   * Number of nodes that the command starts on this machine; they share the port, and more than 1 need a cluster.
   * Valid: 1 to 64.
   * @default 1
   */
  readonly workers?: number
}

/** The session store. */
export interface StoreOptions {
  /**
   * Where session records are kept: memory:, redis://, postgres://, mysql:// and so on.
   * Valid: a URL that begins with one of memory: redis: rediss: unix: redis+unix: postgres: postgresql: mysql: sqlite: memcache: mongodb: mongodb+srv: couchbase: couchbases:.
   * @default memory:
   */
  readonly store?: string
}
