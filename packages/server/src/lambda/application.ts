import type { AnyTRPCRouter } from '@trpc/server'
import type { ChannelDefinition } from '../define/definition.ts'
import type { LambdaHandlers } from './options.ts'

/** What handlers serve, for tools that read it without running it, such as `trunkline asyncapi`. */
export interface Application {
  readonly router: AnyTRPCRouter
  /** The channels that were declared on the line so far. */
  readonly channels: readonly ChannelDefinition[]
  /** Whether the application has an `authorize`. */
  readonly authorizes: boolean
}

/**
 * The member of each handler that names what it serves. A handler file exports handlers one by one, and another copy of
 * this package may read them, so the symbol is registered.
 */
const applicationKey: unique symbol = Symbol.for('trunkline.application')

/** Attaches what they serve to the handlers. */
export function attachApplication(handlers: LambdaHandlers, application: Application): LambdaHandlers {
  for (const handler of Object.values(handlers)) Object.defineProperty(handler, applicationKey, { value: application })
  return handlers
}

/** What a handler serves. Undefined if `createLambdaHandlers` did not make it. */
export function applicationOf(value: unknown): Application | undefined {
  if (typeof value !== 'function') return undefined
  return (value as { readonly [applicationKey]?: Application })[applicationKey] // only `attachApplication` writes it
}
