import type { FaultPlan } from '../../kernel/fault-plan.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Report } from '../../kernel/report.ts'
import { expiryOf, principalOf } from '../../records/application.ts'
import type { Kicks } from '../../records/kicks.ts'
import type { PresenceExpectations } from '../../records/presence-expectations.ts'
import type { Rights } from '../../records/rights.ts'
import type { SubscriptionResponses } from '../../records/subscription-responses.ts'
import type { DeviceRequest, DeviceResponse } from './http-messages.ts'

/** The requests of a subscription over HTTP that are too many after faults have stopped. */
const mostRepeats = 10
/** The grace of H12, and the error of two clocks. */
const authoritySlackMs = 5_000 + 12_000

/** A request that left a device. */
export interface HttpRequestRecord {
  /** For the history. */
  readonly name: string
  readonly device: string
  /** The connection that it names; undefined for one that opens a connection. */
  readonly connectionId: string | undefined
  /** Of the request that opens a connection. */
  readonly token: string | undefined
}

interface Frame {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly token?: unknown }
}

/** Shows the checker's records what passes between devices and the function `http`. */
export class HttpConnections {
  readonly #kernel: Kernel
  readonly #plan: FaultPlan
  readonly #report: Report
  readonly #expectations: PresenceExpectations
  readonly #responses: SubscriptionResponses
  readonly #rights: Rights
  readonly #kicks: Kicks
  /** By device and id: how often a subscription was requested after faults had stopped. */
  readonly #repeats = new Map<string, number>()
  /** By connection: the expiry of the newest token that it sent, in virtual epoch milliseconds. */
  readonly #authorityEnds = new Map<string, number>()

  constructor(options: {
    readonly kernel: Kernel
    readonly plan: FaultPlan
    readonly report: Report
    readonly expectations: PresenceExpectations
    readonly responses: SubscriptionResponses
    readonly rights: Rights
    readonly kicks: Kicks
  }) {
    this.#kernel = options.kernel
    this.#plan = options.plan
    this.#report = options.report
    this.#expectations = options.expectations
    this.#responses = options.responses
    this.#rights = options.rights
    this.#kicks = options.kicks
  }

  /** Called for a request that leaves a device. */
  requested({ device, headers, body }: DeviceRequest): HttpRequestRecord {
    const connectionId = headers['trunkline-connection']
    const frames = JSON.parse(body) as readonly Frame[]
    const name = `${connectionId ?? device} ${frames.map(({ method }) => method).join()}`
    const token = /^Bearer (.*)$/.exec(headers['authorization'] ?? '')?.[1]
    const record = { name, device, connectionId, token }
    if (connectionId === undefined) return record
    for (const frame of frames) {
      this.#expectations.requested({ connectionId, device }, frame)
      this.#responses.requested({ device }, frame)
      this.#rights.requested(connectionId, frame)
      if (frame.method === 'subscription') this.#countRepeat(`${device} ${JSON.stringify(frame.id)}`)
      if (frame.method === 'close') this.#expectations.lost(connectionId)
      if (frame.method === 'auth') this.#authorize(connectionId, String(frame.params?.token))
    }
    return record
  }

  /** Called when the function has returned: what it sends must be allowed. */
  answered({ connectionId, token }: HttpRequestRecord, { headers, body }: DeviceResponse): void {
    const opened = headers['trunkline-connection']
    if (connectionId !== undefined) return void this.#check(connectionId, body)
    if (opened === undefined || token === undefined) return
    this.#rights.connected(opened, token)
    this.#kicks.connected(opened, principalOf(token))
    this.#authorize(opened, token)
  }

  /** Called when a response reaches its device. */
  received({ connectionId, device }: HttpRequestRecord, { status, body }: DeviceResponse): void {
    if (connectionId === undefined || status !== 200) return
    const frames = JSON.parse(body) as Parameters<SubscriptionResponses['answered']>[1]
    this.#expectations.answered({ connectionId, device }, frames)
    this.#responses.answered({ device }, frames)
  }

  /** While nothing fails, a subscription is requested once on each connection. */
  #countRepeat(name: string): void {
    if (!this.#plan.isStopped) return
    const count = (this.#repeats.get(name) ?? 0) + 1
    this.#repeats.set(name, count)
    if (count === mostRepeats) this.#report.break('H15', `${name} was requested ${count} times while nothing failed`)
  }

  #authorize(connectionId: string, token: string): void {
    this.#authorityEnds.set(connectionId, Math.max(this.#authorityEnds.get(connectionId) ?? 0, expiryOf(token)))
  }

  #check(connectionId: string, body: string): void {
    const now = this.#kernel.now
    const hasEvent = body.includes('"type":"data","id"')
    const lateMs = now - (this.#authorityEnds.get(connectionId) ?? Number.POSITIVE_INFINITY) - authoritySlackMs
    if (hasEvent && lateMs > 0)
      this.#report.break('H12', `${connectionId} was sent an event ${lateMs} ms after its authority ended`)
    this.#rights.sent(connectionId, body)
    if (hasEvent) this.#kicks.sent(connectionId)
  }
}
