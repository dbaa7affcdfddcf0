import type { AnyTRPCRouter } from '@trpc/server'
import type { ChannelDefinition } from '../define/definition.ts'
import type { LambdaHandlers } from './options.ts'

/** What handlers serve, to be looked at without running any of it: documents are made from it. */
export interface Application {
  readonly router: AnyTRPCRouter
  /** Those that were declared on the line so far. */
  readonly channels: readonly ChannelDefinition[]
  /** Whether the application asks who connects. */
  readonly authorizes: boolean
}

/** Under this key each handler carries what it serves: an entry exports the handlers one by one, and another copy of this package may look. */
const applicationKey: unique symbol = Symbol.for('trunkline.application')

/** Lets every handler tell what it serves. */
export function notifyApplication(handlers: LambdaHandlers, application: Application): LambdaHandlers {
  for (const handler of Object.values(handlers)) Object.defineProperty(handler, applicationKey, { value: application })
  return handlers
}

/** What a value serves, if `createLambdaHandlers` made it. */
export function applicationOf(value: unknown): Application | undefined {
  if (typeof value !== 'function') return undefined
  return (value as { readonly [applicationKey]?: Application })[applicationKey] // written by `notifyApplication` alone
}
