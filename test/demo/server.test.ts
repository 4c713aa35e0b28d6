import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { readDemoData } from '../../src/demo/demo-data.ts'
import { type DemoServer, type DemoServerOptions, startDemoServer } from '../../src/demo/server.ts'
import { RawClient } from './raw-client.ts'

const servers: DemoServer[] = []

async function start(options?: DemoServerOptions): Promise<DemoServer> {
  const server = await startDemoServer(options)
  servers.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

test('demo server listens on the loopback interface, sends the greeting and serves the bundled data', async () => {
  const server = await start()
  expect(server.host).toBe('127.0.0.1')
  const client = await RawClient.open(server.port)
  expect((await client.ask('94')).reply).toMatch(/^= 20102 1 2 3 4 \d+ 0 \*\n$/)
  expect((await client.ask('76 4Hdemo 1 0')).reply).toBe('= 2 { 11HDemo Reader 1001 6 11HDemo Writer 1001 7 }\n')
})

test('demo server logs a person in with a password until the client disconnects', async () => {
  const server = await start()
  const client = await RawClient.open(server.port)
  expect((await client.ask('62 6 5Hwrong 0')).reply).toBe('% 4 6\n')
  expect((await client.ask('62 6 4Hdemo 0')).reply).toBe('=\n')
  const { reply } = await client.ask('56')
  expect((await client.ask('83 1 1 0')).reply).toBe(`= 1 {${reply.slice(1, -1)} 6 0 0 00000000 0H }\n`)
  expect(server.connections).toBe(1)
  expect((await client.ask('55 0')).reply).toBe('=\n')
  expect(await client.closed()).toBe(`:2 13 6${reply.slice(1)}`)
  await expect.poll(() => server.connections).toBe(0)
})

test('demo server serves a text of the bundled data with its content type', async () => {
  const server = await start()
  const client = await RawClient.open(server.port)
  await client.ask('62 6 4Hdemo 0')
  expect((await client.ask('90 4')).reply).toContain('1 30Htext/x-kom-basic;charset=utf-8 }')
  expect((await client.ask('25 4 0 20')).reply).toBe('= 21HWelcome (to) komgate\n\n')
})

test.each(['GET / HTTP/1.1\r\n\r\n', 'B4Hu%me\n', '\n', 'A\n', 'Axyz\n'])(
  'demo server rejects the greeting %j',
  async (hello) => {
    const client = await RawClient.connect((await start()).port)
    client.send(hello)
    expect(await client.closed()).toBe('%%LysKOM unsupported protocol.\n')
  },
)

test('demo server replies not-implemented to unknown calls and calls without a handler', async () => {
  const client = await RawClient.open((await start()).port)
  expect((await client.ask('4711 1 2 3')).reply).toBe('% 2 0\n')
  expect((await client.ask('112 7Hclients')).reply).toBe('% 2 0\n')
})

test('demo server replies a protocol error to an invalid request and continues with the next request', async () => {
  const client = await RawClient.open((await start()).port)
  for (const garbage of ['xyz', '-1 56', '7 78 abc', '7 78 -1', '7', '\x00\xff', '7 80 3 { 1']) {
    client.send(`${garbage}\n`)
    expect(await client.until('\n')).toBe('%% LysKOM protocol error.\n')
  }
  client.send('\n  \n')
  expect((await client.ask('56')).reply).toBe('= 1\n')
})

test('demo server closes the connection on a request that announces more than the maximum size', async () => {
  const server = await start()
  const client = await RawClient.open(server.port)
  client.send('1 56\n2 4 99999999Habc')
  expect(await client.closed()).toBe('=1 1\n%% LysKOM protocol error.\n')
  expect((await RawClient.open(server.port)).socket.destroyed).toBe(false)
})

test('demo server replies to a request that arrives in single bytes', async () => {
  const client = await RawClient.open((await start()).port)
  for (const byte of '1 4 5Ha\nb c\n2 56\n') {
    client.send(byte)
    await sleep(1)
  }
  expect(await client.until('=2 1\n')).toBe('=1\n=2 1\n')
})

test('demo server replies to pipelined requests in order', async () => {
  const client = await RawClient.open((await start()).port)
  client.send(Array.from({ length: 1000 }, (_, i) => `${i} 56\n`).join(''))
  expect(await client.until('=999 1\n')).toBe(Array.from({ length: 1000 }, (_, i) => `=${i} 1\n`).join(''))
})

test('demo server pauses a client that does not read replies, without using more memory or delaying others', async () => {
  const server = await start()
  const writer = await RawClient.open(server.port)
  await writer.ask('62 6 4Hdemo 0')
  const { reply } = await writer.ask(`86 131072H${'x'.repeat(131_072)} 0 { } 0 { }`)
  const paused = await RawClient.open(server.port)
  await paused.ask('62 6 4Hdemo 0')
  paused.socket.pause()
  const before = process.memoryUsage().rss
  // 2.6 GB of replies
  for (let i = 0; i < 20_000; i++) paused.send(`1 25${reply.slice(1, -1)} 0 131071\n`)
  await sleep(200)
  for (let i = 0; i < 100; i++) expect((await writer.ask('56')).reply).toBe('= 1\n')
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
})

test('demo server disconnects a client that never reads its messages', async () => {
  const server = await start()
  const writer = await RawClient.open(server.port)
  await writer.ask('62 6 4Hdemo 0')
  const paused = await RawClient.open(server.port)
  paused.socket.pause()
  await writer.ask('80 0 { }')
  const message = `53 0 1024H${'x'.repeat(1024)}\n`
  for (let i = 0; server.connections === 2 && i < 200; i++) {
    writer.send(`1 ${message}`.repeat(1000))
    await sleep(5)
  }
  expect(server.connections).toBe(1)
})

test('demo server rejects connections above the limit and notifies the connected clients', async () => {
  const server = await start({ maxConnections: 1 })
  const first = await RawClient.open(server.port)
  const second = await RawClient.connect(server.port)
  expect(await second.closed()).toBe('%% No connections left.\n')
  expect(await first.line()).toBe(':0 11\n')
  first.socket.destroy()
  while (server.connections > 0) await sleep(1)
  await RawClient.open(server.port)
})

test('demo server discards all changes when it closes', async () => {
  const one = await start()
  const client = await RawClient.open(one.port)
  await client.ask('62 6 4Hdemo 0')
  const before = (await client.ask('115')).reply
  await client.ask('86 1Hx 0 { } 0 { }')
  expect((await client.ask('115')).reply).not.toBe(before)
  await one.close()
  await client.closed()
  expect((await (await RawClient.open((await start()).port)).ask('115')).reply).toBe(before)
})

test('startDemoServer rejects when the port is in use', async () => {
  const { port } = await start()
  await expect(startDemoServer({ port })).rejects.toThrow('EADDRINUSE')
})

test.each([
  [{}, 'demo data: info: expected an object'],
  [{ info: { motd: 'x' } }, 'demo data: info.motd: expected a whole number from 0'],
])('readDemoData names the invalid field in the error for the data %j', (json, message) => {
  expect(() => readDemoData(json)).toThrow(message)
})
