import { initTRPC } from '@trpc/server'
import * as z from 'zod'
import { type AuthorizeResult, anonymous, type LineMeta } from '../define/identity.ts'
import type { KickOptions, RevokeOptions } from '../define/kick.ts'
import { recordingTelemetry } from '../lambda/recording-telemetry.suite.ts'
import { createTestLine, settle } from '../lambda/test-line.suite.ts'
import { createLine } from '../line/create-line.ts'
import type { Backend } from '../ports/backend.ts'
import type { Store } from '../ports/store.ts'

export const hour = 3_600_000

type Options = Partial<Omit<Parameters<typeof createTestLine>[0], 'router' | 'line'>>

/**
 * A line whose tokens are `principal` or `principal/seconds`, where the seconds say when the token was issued, counted
 * from the start of the clock. Without a token the caller is anonymous.
 */
export function createKickLine({ store = (made) => made, ...options }: Options = {}) {
  const { telemetry, audits, logs } = recordingTelemetry()
  const line = createLine()
  const key = z.object({ room: z.string() })
  const messages = line.channel('chat', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({}) })
  const t = initTRPC.meta<LineMeta>().create()
  const signals: AbortSignal[] = []
  const ended: string[] = []
  let release = () => {}
  /** Runs until its signal aborts, or until the test releases it. */
  const wait = (signal: AbortSignal | undefined) =>
    new Promise<string>((resolve) => {
      if (signal !== undefined) signals.push(signal)
      signal?.addEventListener('abort', () => resolve('aborted'))
      release = () => resolve('released')
    })
  async function run(signal: AbortSignal | undefined): Promise<string> {
    const how = await wait(signal)
    ended.push(how)
    return how
  }
  const router = t.router({
    add: t.procedure.query(() => 1),
    slow: t.procedure.query(({ signal }) => run(signal)),
    change: t.procedure.mutation(({ signal }) => run(signal)),
    long: t.procedure.meta({ longRunning: true }).mutation(({ signal }) => run(signal)),
    kickMe: t.procedure.mutation(({ ctx }) => {
      const { connectionId } = ctx as unknown as { readonly connectionId: string }
      return line.kick({ connection: connectionId, reason: 'asked for it' })
    }),
    count: t.procedure.subscription(async function* ({ signal }) {
      yield 1
      await run(signal)
      yield 2
    }),
    live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
    join: t.procedure.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
  })
  const calls: (keyof Store)[] = []
  const made = createTestLine({
    line,
    router,
    telemetry,
    anonymousMay: 'everything',
    authorize: ({ token: given, connectionParams }): AuthorizeResult => {
      const token = given ?? connectionParams?.['token']
      if (token === undefined) return anonymous
      const [principal = '', seconds] = token.split('/')
      const issuedAt = seconds === undefined ? {} : { issuedAt: new Date(1_800_000_000_000 + Number(seconds) * 1_000) }
      return { principal, claims: {}, expiresAt: new Date(1_800_000_000_000 + 100 * hour), ...issuedAt }
    },
    createContext: ((call: object) => call) as never,
    store: (inner) =>
      new Proxy(store(inner), {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: readonly unknown[]) => {
            calls.push(name as keyof Store)
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
    ...options,
  })
  /** As a script: the table and the gateway alone. */
  const script: Backend = { store: made.store, gateway: made.gateway, clock: made.clock }
  /** Runs with the clock moving, and returns what `fn` returns, with how long it took. */
  async function timed<T>(fn: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    const from = made.clock.now()
    let over = false
    const running = fn().finally(() => {
      over = true
    })
    running.catch(() => {})
    await settle()
    for (let step = 0; !over && step < 200; step += 1) await made.clock.advance(250)
    return { value: await running, ms: made.clock.now() - from }
  }
  const isOpen = async (connectionId: string) => (await made.gateway.post(connectionId, '{}')).status === 'posted'
  return {
    ...made,
    ...{ messages, here, audits, logs, signals, ended, script, timed, isOpen },
    /** The store's operations since the last call. */
    took: () => calls.splice(0),
    release: () => release(),
    kick: (kicking: KickOptions) => line.withBackend(script, () => line.kick(kicking)),
    revoke: (principal: string, revoking: RevokeOptions) =>
      line.withBackend(script, () => line.revoke(principal, revoking)),
    connections: (principal: string) => line.withBackend(script, () => line.connections({ principal })),
    /** Runs the worker with its oldest job, and does not wait for it. */
    begin: () => {
      const running = made.work()
      running.catch(() => {})
      return running
    },
  }
}

export type KickLine = ReturnType<typeof createKickLine>
