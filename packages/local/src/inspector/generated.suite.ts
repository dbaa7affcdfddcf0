import { createServer, type RequestListener } from 'node:http'
import { createMemoryStore } from '@trunkline/server/memory'
import { createLocalClock } from '../emulators/clock.ts'
import { FaultLayer } from '../faults/faults.ts'
import type { InspectorSource } from './data-source.ts'
import { createInspectorHttp, inspectorPath } from './http.ts'
import type { ApplicationPort } from './local/application-port.ts'
import { Inspector } from './local/inspector.ts'

/** The page of a source on a port of its own. */
export interface ServedPage extends AsyncDisposable {
  readonly address: string
}

/** An inspector of a line whose connections and frames are generated. */
export interface GeneratedLine extends ServedPage {
  /** Adds frames: calls, each followed by its answer. Their texts have their number. */
  addFrames(count: number): void
  /** Ends connections, the oldest first. */
  end(count: number): void
}

export function servePage(source: InspectorSource): Promise<ServedPage> {
  return listen(createInspectorHttp(source))
}

export async function generateLine(options: {
  readonly connections: number
  readonly frames: number
  readonly application?: ApplicationPort
  /** @default `user <n>` */
  readonly principalOf?: (number: number) => string
}): Promise<GeneratedLine> {
  const { principalOf = (number) => `user ${number}` } = options
  const clock = createLocalClock({ seed: 1 })
  const faults = new FaultLayer(clock)
  const inspector = new Inspector(clock)
  const connections = Array.from({ length: options.connections }, (_, index) => {
    const caller = { principal: principalOf(index + 1), extensions: true }
    return {
      connectionId: `connection-${String(index + 1).padStart(6, '0')}`,
      connectedAt: clock.now() - index,
      lastActiveAt: clock.now(),
      state: 'open' as const,
      ...{ domainName: 'localhost', stage: 'dev', apiId: 'local', identity: { sourceIp: '127.0.0.1' } },
      authorizer: { trunkline: JSON.stringify(caller) },
    }
  })
  const drop = (connectionId: string) => {
    const at = connections.findIndex((one) => one.connectionId === connectionId)
    if (at < 0) return
    connections.splice(at, 1)
    inspector.gateway.ended({ connectionId, code: 1006, reason: '' })
  }
  inspector.attach({
    gateway: {
      url: 'ws://127.0.0.1:0/dev',
      connections: () => connections,
      cut: drop,
      expire: drop,
      reauthorize: () => {},
    },
    functions: { kill: () => {} },
    functionNames: ['websocket', 'worker'],
    faults,
    clock,
    backend: { store: createMemoryStore() },
    setAuthExp: async () => {},
    advance: (ms) => clock.advance(ms),
  })
  if (options.application !== undefined) inspector.describeBy(options.application)
  for (const { connectionId } of connections) inspector.gateway.opened({ connectionId })
  let count = 0
  const addFrames = (added: number) => {
    for (let n = 0; n < added; n++) {
      count += 1
      const id = Math.ceil(count / 2)
      const { connectionId = 'none' } = connections[id % Math.max(1, connections.length)] ?? {}
      if (count % 2 === 1)
        inspector.gateway.received({
          connectionId,
          text: `{"id":${id},"method":"mutation","params":{"path":"messages.post","input":{"room":"general","text":"frame ${count}"}}}`,
        })
      else
        inspector.gateway.sent({
          connectionId,
          text: `{"id":${id},"result":{"type":"data","data":{"frame":${count}}}}`,
        })
    }
  }
  addFrames(options.frames)
  const page = await listen(inspector.http)
  return {
    address: page.address,
    addFrames,
    end: (ended) => {
      for (const { connectionId } of connections.slice(0, ended)) drop(connectionId)
    },
    async [Symbol.asyncDispose]() {
      await page[Symbol.asyncDispose]()
      clock.close()
    },
  }
}

async function listen(handle: (...args: Parameters<RequestListener>) => boolean): Promise<ServedPage> {
  const server = createServer((request, response) => {
    if (!handle(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    address: `http://127.0.0.1:${port}${inspectorPath}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
