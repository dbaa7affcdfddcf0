import type { PostOutcome } from '@trunkline/server/ports'
import { createQuota } from '../../kernel/quota.ts'
import type { Report } from '../../kernel/report.ts'
import type { Connection } from './connection.ts'
import type { GatewayEnvironment } from './environment.ts'
import type { SendToDevice } from './send-to-device.ts'

/** The size limit of a post. Schedules send ASCII only, so a character is a byte. */
const messageCharacters = 131_072
/** The grace of H12, the retries of a post, and the error of two clocks. */
const authoritySlackMs = 5_000 + 6_000 + 12_000

/** The gateway knows no connection over HTTP. Reports a call that names one, and throws. */
export function refuseHttp(report: Report, what: string, connectionId: string): void {
  if (!connectionId.startsWith('http-')) return
  report.break('H21', `the gateway was ${what} ${connectionId}`)
  throw new Error(`${connectionId} is no id of the gateway.`)
}

/** The gateway's callback API: posts to connections, its faults and its quota. */
export class Posts {
  readonly #environment: GatewayEnvironment
  readonly #connections: ReadonlyMap<string, Connection>
  readonly #sendToDevice: SendToDevice
  readonly #countPost: (key: string) => void
  #quotaUsedUntil = 0
  constructor(
    environment: GatewayEnvironment,
    connections: ReadonlyMap<string, Connection>,
    sendToDevice: SendToDevice,
  ) {
    const { kernel, report } = environment
    this.#environment = environment
    this.#connections = connections
    this.#sendToDevice = sendToDevice
    this.#countPost = createQuota({ name: 'posts', perSecond: 10_000, now: () => kernel.now, report })
  }

  post(connectionId: string, text: string): Promise<PostOutcome> {
    const { plan, expectations, report, rights, kicks } = this.#environment
    this.#countPost('the API')
    refuseHttp(report, 'posted to', connectionId)
    if (text.length > messageCharacters) report.break('H16', `a post had ${text.length} characters`)
    const connection = this.#connections.get(connectionId)
    if (connection?.state !== 'open') return Promise.resolve({ status: 'gone' })
    if (plan.strikes('F2')) {
      expectations.lost(connectionId) // the server cannot know that the connection is open
      return Promise.resolve({ status: 'gone' })
    }
    if (plan.strikes('F3') || this.#isQuotaUsedUp()) return Promise.resolve({ status: 'throttled' })
    this.#checkAuthority(connection, text)
    rights.sent(connectionId, text)
    kicks.sent(connectionId)
    return this.#deliver(connection, text)
  }

  /** Delivers an accepted post, unless a fault loses, doubles or delays it. */
  #deliver(connection: Connection, text: string): Promise<PostOutcome> {
    const { plan, kernel } = this.#environment
    const push = () => {
      this.#sendToDevice(connection, text)
      if (plan.strikes('F8')) this.#sendToDevice(connection, text)
    }
    const broken = plan.strikes('F4')
    if (broken !== undefined) {
      if (broken.chance(0.5)) push()
      return Promise.resolve({ status: 'failed', unknown: true, reason: 'simulated 5xx' })
    }
    if (plan.strikes('F6')) return new Promise(() => {})
    const hanging = plan.strikes('F5')
    if (hanging !== undefined)
      return new Promise((resolve) => {
        kernel.after(hanging.between(500, 9_000), 'hung post', () => {
          push()
          resolve({ status: 'posted' })
        })
      })
    if (plan.strikes('F1') === undefined) push()
    return Promise.resolve({ status: 'posted' })
  }

  /** The quota is shared by the account: while other users exhaust it (F18), no post passes. */
  #isQuotaUsedUp(): boolean {
    const { plan, kernel } = this.#environment
    const strike = plan.strikes('F18')
    if (strike !== undefined) this.#quotaUsedUntil = kernel.now + strike.between(200, 4_000)
    return kernel.now < this.#quotaUsedUntil
  }

  #checkAuthority({ connectionId, authorityEnds }: Connection, text: string): void {
    const { kernel, report } = this.#environment
    const lateMs = kernel.now - authorityEnds - authoritySlackMs
    if (lateMs > 0 && text.includes('"type":"data","id"'))
      report.break('H12', `${connectionId} was pushed an event ${lateMs} ms after its authority ended`)
  }
}
