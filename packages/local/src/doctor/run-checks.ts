import { setMaxListeners } from 'node:events'
import {
  type Check,
  type CheckContext,
  type CheckResult,
  type Finding,
  MissingPermission,
  skipped,
} from './context/check.ts'

const defaultTimeoutMs = 20_000
/** A check that cannot undo what it did within this time leaves it to the rows' own expiry. */
const undoMs = 5_000

/** A new account runs as few as 10 functions at the same time, and each check may run two. */
const parallel = 4

interface SharedContext extends Pick<CheckContext, 'target' | 'settings'> {
  /** Ends all checks when it aborts, after they have undone what they did. @default never */
  readonly interrupted?: AbortSignal
}

/**
 * Runs checks in parallel, each after those that it needs. One that throws, or takes too long, has failed; it never
 * rejects. `onResult` gets each result as soon as it is known. Resolves to all results in the order of `checks`.
 */
export async function runChecks(
  checks: readonly Check[],
  context: SharedContext,
  onResult: (result: CheckResult) => void = () => {},
): Promise<readonly CheckResult[]> {
  const results = new Map<string, Promise<CheckResult>>()
  const limited = createGate(parallel)
  for (const check of checks) {
    const needed = (check.needs ?? []).map((id) => [id, results.get(id)] as const)
    results.set(check.id, runAfter(check, needed, { find: () => limited(() => find(check, context)), onResult }))
  }
  return Promise.all(results.values())
}

type Needed = readonly (readonly [id: string, result: Promise<CheckResult> | undefined])[]

async function runAfter(
  { id, title }: Check,
  needed: Needed,
  { find: run, onResult }: { readonly find: () => Promise<Timed>; readonly onResult: (result: CheckResult) => void },
): Promise<CheckResult> {
  const unmet: string[] = []
  // A check that is not part of this run counts as met.
  for (const [id, result] of needed) if ((await result)?.status === 'failed') unmet.push(id)
  const finding: Timed =
    unmet.length > 0 ? { ...skipped(`Not run, because ${unmet.join(' and ')} failed.`), ms: 0 } : await run()
  const result = { id, title, ...finding }
  onResult(result)
  return result
}

type Timed = Finding & Pick<CheckResult, 'ms'>

type Undo = () => Promise<unknown>

/** Runs at most `count` works at the same time; the others wait in order. */
function createGate(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}

async function find(check: Check, context: SharedContext): Promise<Timed> {
  if (check.target === 'aws' && context.target.kind === 'local')
    return { ...skipped('A local line has no such thing.'), ms: 0 }
  const began = performance.now()
  const timeoutMs = check.timeoutMs ?? defaultTimeoutMs
  const { interrupted, ...given } = context
  if (interrupted?.aborted) return { ...skipped('Interrupted.'), ms: 0 }
  const timeout = new AbortController()
  setMaxListeners(0, timeout.signal) // each request of a check listens
  const undone: Undo[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => {
      resolve({
        status: 'failed',
        detail: `No result within ${timeoutMs / 1_000} s.`,
        remedy: `Try again. If it happens again: ${check.remedy}`,
      })
      timeout.abort()
    }, timeoutMs)
  })
  const stopped = new Promise<Finding>((resolve) => {
    timeout.signal.addEventListener('abort', () => resolve(skipped('Interrupted.')))
  })
  const interrupt = () => timeout.abort()
  interrupted?.addEventListener('abort', interrupt)
  const running = Promise.resolve({ ...given, signal: timeout.signal, onEnd: (undo: Undo) => void undone.push(undo) })
    .then((all) => check.run(all))
    .catch((thrown: unknown) => toFinding(check, thrown))
  const finding = await Promise.race([late, stopped, running])
  clearTimeout(timer)
  interrupted?.removeEventListener('abort', interrupt)
  const ms = Math.round(performance.now() - began)
  await undoAll(undone)
  return { ...finding, ms }
}

function toFinding({ remedy }: Check, thrown: unknown): Finding {
  if (thrown instanceof MissingPermission)
    return {
      status: 'warning',
      detail: `Not checked: ${thrown.message}`,
      remedy: `Allow ${thrown.action} to the credentials with which you run the doctor.`,
    }
  const network = isNetworkError(thrown) ? 'Check the network, a proxy, and AWS_ENDPOINT_URL if it is set. ' : ''
  return { status: 'failed', detail: describeError(thrown), remedy: network + remedy }
}

function isNetworkError(thrown: unknown): boolean {
  const { code, cause } = Object(thrown) as { readonly code?: unknown; readonly cause?: unknown }
  if (/^(?:ECONN|ENOTFOUND|EAI_|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)/.test(String(code))) return true
  return cause !== undefined && isNetworkError(cause)
}

/** The error's name and message, and the cause of a request that did not arrive. */
function describeError(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `It threw ${String(thrown)}.`
  const { name, message, cause } = thrown
  const code = (thrown as { readonly code?: unknown }).code
  const words =
    message || (typeof code === 'string' ? code : '') || (cause instanceof Error ? cause.message : 'no message')
  return `${name}: ${words}`
}

async function undoAll(undone: readonly Undo[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, undoMs)
  })
  await Promise.race([Promise.allSettled(undone.map((undo) => undo())), late])
  clearTimeout(timer)
}
