// One file over 200 lines: the actions are one table.

import { defined } from '@trunkline/protocol'
import { createLine } from '@trunkline/server'
import type { FaultEffect, FaultPoint } from '../../faults/fault-effects.ts'
import type { FaultRule } from '../../faults/fault-rules.ts'
import {
  type ActionName,
  type ActionResult,
  type ActiveFault,
  type InspectorAction,
  InspectorError,
} from '../data-source.ts'
import type { ApplicationPort } from './application-port.ts'
import { Calls } from './calls.ts'
import type { InspectedLine } from './inspected-line.ts'
import { parseJson } from './plain-item.ts'
import type { Watch } from './watch.ts'

type Of<Name extends ActionName> = Extract<InspectorAction, { readonly action: Name }>
type Run<Name extends ActionName> = (action: Of<Name>, signal: AbortSignal) => Promise<ActionResult> | ActionResult

interface KeptFault {
  readonly id: number
  readonly rule: FaultRule
  readonly words: string
  readonly times: number
}

const handOverMs = 10_000 // by the line's clock: the time that a client has after the notice
const notice = JSON.stringify({ id: null, method: 'reconnect' })

/** The actions of the page on a local line. */
export class Actions {
  readonly #watch: Watch
  readonly #line: () => InspectedLine
  readonly #application: () => ApplicationPort | undefined
  readonly #calls: Calls
  readonly #faults = new Map<number, KeptFault>()
  #faultCount = 0

  constructor(watch: Watch, line: () => InspectedLine, application: () => ApplicationPort | undefined) {
    this.#watch = watch
    this.#line = line
    this.#application = application
    this.#calls = new Calls(watch, line, () => this.#needApplication())
  }

  names(): readonly ActionName[] {
    return Object.keys(this.#runs) as readonly ActionName[]
  }

  /** Rejects with an `InspectorError` when the action cannot be done. */
  async run(action: InspectorAction, signal: AbortSignal): Promise<ActionResult> {
    const run = this.#runs[action.action] as Run<ActionName> // the table's type pairs each name with its action
    const result = await run(action as Of<ActionName>, signal)
    this.#watch.notify()
    return result
  }

  /** The rules that the page added and that still apply. */
  activeFaults(): readonly ActiveFault[] {
    for (const { id, rule, times } of this.#faults.values()) if (rule.hits >= times) this.#clear(id)
    return [...this.#faults.values()].map(({ id, words, rule }) => ({ id, words, hits: rule.hits }))
  }

  readonly #runs: { readonly [Name in ActionName]: Run<Name> } = {
    cut: ({ connection }) => {
      const ids = this.#socketIds(connection)
      for (const id of ids) this.#line().gateway.cut(id)
      return { words: `${counted(ids.length, 'socket')} cut.` }
    },
    kick: ({ connection, reason, banMs }) => this.#kick({ connection, reason, ...defined({ banMs }) }),
    publish: async ({ channel, key, data }) => {
      const id = await this.#reported('publish', () => this.#needApplication().publish({ channel, key, data }))
      return { words: id === undefined ? 'Published. An ephemeral event has no id.' : `Published as ${id}.` }
    },
    call: (call, signal) => this.#calls.call(call, signal),
    stop: ({ connection }) => this.#calls.stop(connection),
    fault: (fault) => this.#addFault(fault),
    clearFault: ({ id }) => {
      if (!this.#faults.has(id)) throw new InspectorError(404, `There is no fault ${id}. It has ended.`)
      this.#clear(id)
      return { words: 'The fault is removed.' }
    },
    clearFaults: () => {
      const ids = [...this.#faults.keys()]
      for (const id of ids) this.#clear(id)
      return { words: `${counted(ids.length, 'fault')} removed.` }
    },
    killRuns: ({ function: name }) => {
      const { functions, functionNames } = this.#line()
      if (!functionNames.includes(name))
        throw new InspectorError(400, `Expected a function (${functionNames.join(', ')}), got ${JSON.stringify(name)}.`)
      functions.kill(name)
      return { words: `The running invocations of ${name} are killed.` }
    },
    expireToken: ({ connection }) => this.#expireTokens(connection),
    twoHours: ({ connection }) => this.#endLifetimes(connection),
    advance: async ({ ms }) => {
      await this.#line().advance(ms)
      return { words: `The line's clock moved by ${ms} ms.` }
    },
  }

  async #kick(kicking: { readonly connection: string; readonly reason: string; readonly banMs?: number }) {
    const { connection, reason, banMs } = kicking
    const { backend, clock } = this.#line()
    const ban = banMs === undefined ? undefined : new Date(clock.now() + banMs)
    const line = createLine({ backend })
    try {
      const { connections } = await line.kick({ connection, reason, ...defined({ ban }) })
      return { words: `${counted(connections, 'connection')} kicked.` }
    } catch (error) {
      throw new InspectorError(409, messageOf(error))
    }
  }

  #addFault({ point, effect, delayMs, times, path, connection }: Of<'fault'>): ActionResult {
    const given = effect === 'delay' ? { delayMs: delayMs ?? 0 } : effect
    if (effect === 'delay' && delayMs === undefined)
      throw new InspectorError(400, 'Expected delayMs of the effect delay, got none.')
    const match = defined({ times, path, connectionId: connection })
    try {
      // `on` checks the point and the effect
      const rule = this.#line().faults.on(point as FaultPoint, given as FaultEffect, match)
      this.#faultCount += 1
      const parts = [
        `${point}: ${effect}${effect === 'delay' ? ` ${delayMs} ms` : ''}`,
        ...(path === undefined ? [] : [`of ${path}`]),
        ...(connection === undefined ? [] : [`connection ${connection}`]),
        ...(times === undefined ? [] : [`${times} ×`]),
      ]
      const kept = { id: this.#faultCount, rule, words: parts.join(', '), times: times ?? Number.POSITIVE_INFINITY }
      this.#faults.set(kept.id, kept)
      return { words: `Fault: ${kept.words}.` }
    } catch (error) {
      throw new InspectorError(400, messageOf(error))
    }
  }

  #clear(id: number): void {
    this.#faults.get(id)?.rule[Symbol.dispose]()
    this.#faults.delete(id)
  }

  /** Ends the authority in the rows, and in the context that the gateway passes to functions. */
  async #expireTokens(connection: string | undefined): Promise<ActionResult> {
    const { gateway, clock, setAuthExp } = this.#line()
    const now = clock.now()
    const rows = this.#watch.connections
    const expiring = this.#socketIds(connection).filter((id) => rows.get(id)?.authExp !== undefined)
    if (expiring.length === 0)
      throw new InspectorError(409, 'No open connection has a token. Connect with one, so that it can expire.')
    for (const socket of gateway.connections().filter(({ connectionId }) => expiring.includes(connectionId))) {
      const caller = parseJson(socket.authorizer?.['trunkline'])
      const ended = JSON.stringify({ ...Object(caller), authExp: now })
      gateway.reauthorize(socket.connectionId, { ...socket.authorizer, trunkline: ended })
    }
    const subscribers = expiring.flatMap((id) => this.#watch.topics.of(id)).map(({ pk, sk }) => ({ pk, sk }))
    await setAuthExp([...expiring.map((id) => ({ pk: `CONN#${id}`, sk: '#' })), ...subscribers], now)
    return { words: `${counted(expiring.length, 'token')} expired.` }
  }

  /** The end of a connection's two hours: the notice first, then the close of the sockets that are still open. */
  async #endLifetimes(connection: string | undefined): Promise<ActionResult> {
    const { gateway, backend, clock } = this.#line()
    const ids = this.#socketIds(connection)
    await Promise.all(ids.map((id) => backend.gateway?.post(id, notice)))
    clock.after(handOverMs, () => {
      for (const id of ids) gateway.expire(id)
    })
    const seconds = handOverMs / 1_000
    return { words: `${counted(ids.length, 'client')} asked to reconnect. Their sockets close in ${seconds} s.` }
  }

  #socketIds(connection: string | undefined): readonly string[] {
    const ids = this.#line()
      .gateway.connections()
      .map(({ connectionId }) => connectionId)
    if (connection === undefined) return ids
    if (ids.includes(connection)) return [connection]
    throw new InspectorError(404, `Expected the id of an open socket, got ${JSON.stringify(connection)}.`)
  }

  #needApplication(): ApplicationPort {
    const application = this.#application()
    if (application === undefined) throw new InspectorError(409, 'The application of this line is not known.')
    return application
  }

  async #reported<T>(what: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      throw error instanceof InspectorError ? error : new InspectorError(400, `Cannot ${what}: ${messageOf(error)}`)
    }
  }
}

function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
