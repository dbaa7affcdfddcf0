import type { Connection } from '@trunkline/client'
import { checkEffect, type FaultEffect, type FaultPoint } from './fault-effects.ts'

/** A fault rule. It applies until it is disposed, or `times` times. */
export interface FaultRule extends Disposable {
  readonly hits: number
}

/** The messages and calls that a fault rule applies to. */
export interface FaultMatch {
  /** How often the rule applies. @default without a limit */
  readonly times?: number
  /** Skips the first matches. @default 0 */
  readonly skip?: number
  /**
   * A procedure's path. At `store`: the operation's name. At `function`: the function's name, the route (`$disconnect`)
   * or the path of the frame that it runs. At `frozen`: `apigateway`, `dynamodb`, `lambda` or `sqs`. @default any
   */
  readonly path?: string
  /** The connection that the message or call belongs to. @default any */
  readonly connection?: Connection
  /** The gateway's id of a connection. @default any */
  readonly connectionId?: string
}

/** A message or call that reaches a fault point. */
export interface FaultCandidate {
  /** The names that `path` of a rule may match. @default none */
  readonly paths?: readonly (string | undefined)[]
  readonly connectionId?: string
  /** Whether an effect can apply now. @default every effect */
  readonly isPossible?: (effect: FaultEffect) => boolean
}

interface Rule {
  readonly point: FaultPoint
  readonly effect: FaultEffect
  readonly match: FaultMatch
  seen: number
  hits: number
}

/** The rules of one line, in the order in which they were added. */
export class FaultRules {
  readonly #rules = new Set<Rule>()
  readonly #isOf: (connectionId: string, connection: Connection) => boolean
  #reached = 0

  /** `isOf` says whether a connection id belongs to a client's connection. */
  constructor(isOf: (connectionId: string, connection: Connection) => boolean) {
    this.#isOf = isOf
  }

  /** The number of times that any fault point was reached. */
  get reached(): number {
    return this.#reached
  }

  /** Throws a `TypeError` for an unknown point, or for an effect that the point does not support. */
  add(point: FaultPoint, effect: FaultEffect, match: FaultMatch): FaultRule {
    checkEffect(point, effect)
    const rule: Rule = { point, effect, match, seen: 0, hits: 0 }
    this.#rules.add(rule)
    return {
      get hits() {
        return rule.hits
      },
      [Symbol.dispose]: () => void this.#rules.delete(rule),
    }
  }

  clear(): void {
    this.#rules.clear()
  }

  /** The effect of the first rule that applies. Undefined when none does. */
  match(point: FaultPoint, candidate: FaultCandidate = {}): FaultEffect | undefined {
    this.#reached += 1
    for (const rule of this.#rules) {
      if (rule.point !== point || !this.#applies(rule, candidate)) continue
      const { skip = 0, times = Number.POSITIVE_INFINITY } = rule.match
      rule.seen += 1
      if (rule.seen <= skip || rule.hits >= times) continue
      rule.hits += 1
      return rule.effect
    }
    return undefined
  }

  #applies({ match, effect }: Rule, candidate: FaultCandidate): boolean {
    const { connectionId, isPossible } = candidate
    if (match.path !== undefined && candidate.paths?.includes(match.path) !== true) return false
    if (isPossible?.(effect) === false) return false
    if (match.connectionId !== undefined && match.connectionId !== connectionId) return false
    if (match.connection === undefined) return true
    return connectionId !== undefined && this.#isOf(connectionId, match.connection)
  }
}
