import { fileURLToPath } from 'node:url'
import { createClient, createConnection } from '@trunkline/client'
import superjson from 'superjson'
import { WebSocket } from 'ws'
import { type DevLine, dev } from '../dev/dev.ts'
import type { InspectedRouter } from '../testing/inspected-entry.suite.ts'
import type {
  ActionResult,
  Capabilities,
  InspectorAction,
  ListItems,
  ListName,
  ListPage,
  ListQuery,
  ListRows,
  UpdateMessage,
} from './data-source.ts'

const entry = fileURLToPath(new URL('../testing/inspected-entry.suite.ts', import.meta.url))

/** A development line with the inspector's HTTP interface. */
export interface InspectedDev extends AsyncDisposable {
  readonly line: DevLine
  connect(token?: string): ReturnType<typeof connect>
  capabilities(): Promise<Capabilities>
  status(): Promise<UpdateMessage>
  list<K extends ListName>(name: K, query?: Partial<ListQuery>): Promise<ListPage<ListRows[K]>>
  open<K extends ListName>(name: K, id: string, query?: { readonly before?: number }): Promise<ListItems[K]>
  act(action: InspectorAction): Promise<ActionResult>
  /** Requests a path below the inspector's address. */
  request(path: string, init?: RequestInit): Promise<Response>
}

export async function startInspected(): Promise<InspectedDev> {
  const line = await dev('.', { entry, port: 0, log: () => {} })
  const request = (path: string, init: RequestInit = {}) => fetch(`${line.inspector}/${path}`, init)
  async function json<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await request(path, init)
    const body = (await response.json()) as T & { readonly message?: string }
    if (!response.ok) throw new Error(`${response.status} ${body.message}`)
    return body
  }
  return {
    line,
    request,
    capabilities: () => json('capabilities'),
    connect: (token) => connect(line.url, token),
    status: async () => {
      const leave = new AbortController()
      const response = await request('updates', { signal: leave.signal })
      let text = ''
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk
        if (text.includes('\n\n')) break
      }
      leave.abort()
      return JSON.parse(text.slice('data: '.length, text.indexOf('\n\n')))
    },
    list: (name, query = {}) => json(`list/${name}?${new URLSearchParams(Object.entries(query).map(toPair))}`),
    open: (name, id, query = {}) =>
      json(`open/${name}?${new URLSearchParams([['id', id], ...Object.entries(query).map(toPair)])}`),
    act: (action) =>
      json('act', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(action) }),
    [Symbol.asyncDispose]: () => line.close(),
  }
}

function toPair([name, value]: readonly [string, unknown]): [string, string] {
  return [name, value === true ? '1' : String(value)]
}

function connect(url: string, token?: string) {
  const connection = createConnection({ url, WebSocket, token: () => token ?? null })
  const client = createClient<InspectedRouter>({ connection, transformer: superjson })
  return { connection, client, [Symbol.asyncDispose]: () => connection.close() }
}
