import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DatabaseServer, startServer } from './database-server.ts'

const NGINX = '/usr/sbin/nginx'
const SHIPPED = new URL('../../docs/operating/nginx.conf', import.meta.url)

/** Reports whether nginx is installed (`apt-get install nginx-light`). */
export function nginxInstalled(): boolean {
  return existsSync(NGINX)
}

/**
 * Starts nginx with the documented configuration in front of a gateway with the base path `/kom`. Replaces only the
 * addresses, and removes TLS.
 *
 * @param gatewayPort port of the gateway on 127.0.0.1
 */
export async function startNginx(gatewayPort: number): Promise<DatabaseServer> {
  return await start((port) => configuration(port, gatewayPort))
}

/**
 * Starts nginx as a load balancer that knows nothing of sessions: it gives each request to the next node.
 *
 * @param ports ports of the nodes on 127.0.0.1
 * @param extra more directives: for connections to nodes, and for clients
 */
export async function startRoundRobin(
  ports: readonly number[],
  { upstream = '', server = '', location = '' }: { upstream?: string; server?: string; location?: string } = {},
): Promise<DatabaseServer> {
  return await start((port) =>
    standalone(`
upstream nodes { ${ports.map((node) => `server 127.0.0.1:${node} max_fails=0;`).join(' ')} keepalive 64; ${upstream} }
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
server {
  listen 127.0.0.1:${port};
  client_max_body_size 0;
  ${server}
  location / {
    proxy_pass http://nodes;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1h;
    proxy_next_upstream off;
    ${location}
  }
}`),
  )
}

/**
 * Starts nginx as a load balancer that chooses the node by the slot of a session.
 *
 * @param bySlot upstreams, and a map to one of them as `$komgate_node`, by default `komgate`
 * @param ports ports of the nodes on 127.0.0.1
 */
export async function startBySlot(bySlot: string, ports: readonly number[]): Promise<DatabaseServer> {
  return await start((port) =>
    standalone(`
upstream komgate { ${ports.map((node) => `server 127.0.0.1:${node};`).join(' ')} keepalive 64; }
${bySlot}
server {
  listen 127.0.0.1:${port};
  location / {
    proxy_pass http://$komgate_node;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection '';
  }
}`),
  )
}

async function start(configure: (port: number) => string): Promise<DatabaseServer> {
  return await startServer({
    name: 'nginx',
    user: 'www-data',
    stopSignal: 'SIGTERM',
    prepare: async () => undefined,
    command(dir, port) {
      const file = join(dir, 'nginx.conf')
      writeFileSync(file, configure(port))
      return [NGINX, '-p', dir, '-e', 'error.log', '-c', file]
    },
    url: (port) => `http://127.0.0.1:${port}`,
    async greet(url) {
      await fetch(url)
    },
  })
}

function configuration(port: number, gatewayPort: number): string {
  const server = readFileSync(SHIPPED, 'utf8')
    .replace('127.0.0.1:5001', `127.0.0.1:${gatewayPort}`)
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace('listen [::]:443 ssl;', '')
    .replaceAll(/ssl_certificate\w* .*;/g, '')
  return standalone(server)
}

/** Returns a configuration that needs no files outside of the directory of the server. */
function standalone(server: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`)
  return `daemon off; master_process off; pid nginx.pid; events { worker_connections 4096; }
http { access_log off; ${temporary.join(' ')}
${server}
}`
}
