import type { RuntimeContext } from '../context/runtime-context.ts'
import { erasePrincipal } from './erase-principal.ts'
import { eraseTopic } from './erase-topic.ts'
import {
  type EraseCounts,
  type ErasedSubject,
  type EraseOptions,
  EraseRun,
  type EraseState,
  firstState,
} from './run.ts'

/** What an erasure did. */
export interface EraseReport {
  /** `stopped`: `signal` aborted first. Continue with `from: state`. */
  readonly status: 'done' | 'stopped'
  readonly of: ErasedSubject
  /** Of the whole erasure, also over several runs. */
  readonly counts: EraseCounts
  /** Only when it was stopped. */
  readonly state?: EraseState
}

/**
 * Removes what the line holds about a principal or in a topic, page by page. Repeating it is harmless. Rejects when the
 * store fails; the last state that `onProgress` got continues there.
 */
export async function runErasure(
  context: RuntimeContext,
  of: ErasedSubject,
  options: EraseOptions,
): Promise<EraseReport> {
  const run = new EraseRun(context, options.from ?? firstState(of), options)
  try {
    if ('topic' in of) await eraseTopic(run, of.topic)
    else await erasePrincipal(run, requireErasure(context), of.principal)
  } catch (thrown) {
    run.report()
    throw thrown
  }
  const { counts } = run.state
  if (run.isStopped) return { status: 'stopped', of, counts, state: run.state }
  const about = 'principal' in of ? { principal: of.principal, facts: { ...counts } } : { facts: { ...of, ...counts } }
  context.telemetry.audit?.({ action: 'erase', ...about })
  return { status: 'done', of, counts }
}

function requireErasure({ erasure }: RuntimeContext) {
  if (erasure !== undefined) return erasure
  throw new Error(
    'Expected the backend to have `erasure`, the port that finds the rows of a principal, got none. Give your backend the port.',
  )
}
