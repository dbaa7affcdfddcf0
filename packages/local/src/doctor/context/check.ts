import type { DoctorTarget } from './target.ts'

/** What a check found. A warning does not make the command fail. */
export type CheckStatus = 'passed' | 'failed' | 'warning' | 'skipped'

/** What one run of a check found. */
export interface Finding {
  readonly status: CheckStatus
  /** What was seen, in one or more sentences. */
  readonly detail: string
  /** What to do. Absent when nothing is to be done. */
  readonly remedy?: string
}

/** One thing that the doctor examines by really calling it. */
export interface Check {
  /** Unique, of letters, digits and hyphens. It is the check's name on the command line and in `--json`. */
  readonly id: string
  readonly title: string
  /** The requests that it makes. */
  readonly calls: string
  /** What a run costs in the AWS account. */
  readonly cost: string
  /** What to do when it fails, in general. The finding names the case. */
  readonly remedy: string
  /** `aws`: a local line has no such thing, and the check is skipped there. @default 'any' */
  readonly target?: 'aws' | 'any'
  /** The ids of checks that must pass, or warn, before this one makes sense. @default none */
  readonly needs?: readonly string[]
  /** The longest that it may take, in milliseconds. @default 20000 */
  readonly timeoutMs?: number
  /** Rejects when something is wrong that it does not expect: the check has then failed with that error. */
  run(context: CheckContext): Promise<Finding>
}

/** What checks get. */
export interface CheckContext {
  readonly target: DoctorTarget
  readonly settings: DoctorSettings
  /** Aborts when the check has taken too long. */
  readonly signal: AbortSignal
  /** Registers what must be undone after the check, also when it failed or took too long. */
  onEnd(undo: () => Promise<unknown>): void
}

/** Choices of the person who runs the doctor. */
export interface DoctorSettings {
  /** A token that `authorize` of the application accepts. @default none, so that no check connects with one */
  readonly token?: string
  /**
   * The principal that `authorize` gives to the token. @default the member `sub` of a token that is a JWT
   */
  readonly principal?: string
  /** The origin of a page that may connect, such as `https://app.example.com`. @default none: no `Origin` header */
  readonly origin?: string
  /** How long a post may take, from an event's row or from a frame, in milliseconds. @default 5000 */
  readonly deliveryMs?: number
}

/** The finding of a check and how long it took. */
export interface CheckResult extends Finding {
  readonly id: string
  readonly title: string
  readonly ms: number
}

/** The default of `deliveryMs`. */
export const defaultDeliveryMs = 5_000

/**
 * The credentials of the person who runs the doctor may not make a request. The check could not look, so nothing is
 * known to be wrong.
 */
export class MissingPermission extends Error {
  override readonly name = 'MissingPermission'
  /** The IAM action, such as `lambda:ListEventSourceMappings`. */
  readonly action: string
  constructor(action: string, cause: unknown) {
    super(`Your credentials may not call ${action}.`, { cause })
    this.action = action
  }
}

export function passed(detail: string): Finding {
  return { status: 'passed', detail }
}

export function failed(detail: string, remedy: string): Finding {
  return { status: 'failed', detail, remedy }
}

export function warning(detail: string, remedy: string): Finding {
  return { status: 'warning', detail, remedy }
}

export function skipped(detail: string): Finding {
  return { status: 'skipped', detail }
}

/**
 * The finding of several findings: the worst status, and the details and remedies of those that have it. Where all
 * passed, their details.
 */
export function worstOf(findings: readonly Finding[]): Finding {
  const order: readonly CheckStatus[] = ['failed', 'warning', 'passed', 'skipped']
  const status = order.find((each) => findings.some((finding) => finding.status === each)) ?? 'skipped'
  const worst = findings.filter((finding) => finding.status === status)
  const remedies = [...new Set(worst.flatMap(({ remedy }) => remedy ?? []))]
  const detail = worst.map((finding) => finding.detail).join(' ')
  return { status, detail, ...(remedies.length > 0 && { remedy: remedies.join(' ') }) }
}
