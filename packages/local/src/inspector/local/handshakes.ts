import { parseOffer } from '@trunkline/protocol'
import type { ConnectInfo } from '../../emulators/apigateway/integration/hooks.ts'
import { member } from './frame-name.ts'
import { parseJson, putNewest } from './plain-item.ts'

/** How a client authenticated. These are secrets: they stay in this process. */
export interface Credentials {
  readonly token: string | undefined
  readonly cookie: string | undefined
  readonly authorization: string | undefined
}

/** The query parameter that names a call of the inspector, so that its connection is found. */
export const callParameter = 'inspector-call'

const most = 10_000

/** The credentials of the open connections, so that a call can be made as one of them. */
export class Handshakes {
  readonly #credentials = new Map<string, Credentials>()
  readonly #calls = new Map<string, string>()

  begin({ connectionId, headers = {}, query }: ConnectInfo): undefined {
    const find = (name: string) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
    const token = parseOffer(find('sec-websocket-protocol'))?.token
    const known = { token, cookie: find('cookie'), authorization: find('authorization') }
    putNewest(this.#credentials, [connectionId, known], most)
    const call = query?.[callParameter]
    if (call !== undefined) putNewest(this.#calls, [call, connectionId], most)
  }

  /** Keeps the token of an `auth` frame. */
  renew(connectionId: string, text: string): void {
    if (!text.includes('"auth"')) return
    const frames = [parseJson(text)].flat()
    const auth = frames.findLast((frame) => member(frame, 'method') === 'auth')
    const token = member(member(auth, 'params'), 'token')
    const known = this.#credentials.get(connectionId)
    if (known !== undefined && typeof token === 'string') this.#credentials.set(connectionId, { ...known, token })
  }

  get(connectionId: string): Credentials | undefined {
    return this.#credentials.get(connectionId)
  }

  /** The connection of a call of the inspector. */
  connectionOf(call: string): string | undefined {
    return this.#calls.get(call)
  }

  remove(connectionId: string): void {
    this.#credentials.delete(connectionId)
  }
}
