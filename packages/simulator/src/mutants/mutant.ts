import type { WorkloadName } from '../schedules/workloads/workloads.ts'
import type * as clientExports from './client-exports.ts'
import type * as ports from './ports.ts'
import type * as serverExports from './server-exports.ts'

/** A law broken on purpose, when the product is bundled. */
export interface Mutant {
  readonly name: string
  /** The law, or the finding of the design review, that it breaks. */
  readonly breaks: string
  readonly changes: readonly Change[]
  readonly workloads: readonly WorkloadName[]
  /** The exhaustive tests that catch it when random schedules do not. */
  readonly exhausted?: string
}

export type Change = ReplacedExport | WrappedPorts | SwappedText

/** Replaces an exported function for all other modules. Calls inside its own module reach the original. */
export interface ReplacedExport {
  /** The path of the module from the repository's root. */
  readonly file: string
  readonly export: string
  /** The function of `server-exports.ts` or `client-exports.ts` that makes the replacement of the original. */
  readonly by: keyof typeof serverExports | keyof typeof clientExports
}

/** Wraps the ports of each simulated function. */
export interface WrappedPorts {
  /** The function of `ports.ts` that wraps them. */
  readonly ports: keyof typeof ports
}

/** Replaces a text. It is for code that no export and no port reaches. A missing text is an error. */
export interface SwappedText {
  /** The path from the repository's root. */
  readonly file: string
  readonly from: string
  readonly to: string
  /** Why no export and no port reaches the code. */
  readonly because: string
}
