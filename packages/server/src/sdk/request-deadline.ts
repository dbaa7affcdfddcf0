/** `withDeadline` rejects with this error when its time is over. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  constructor(ms: number) {
    super(`No response within ${ms} ms.`)
  }
}

/**
 * Runs `run` with a signal that aborts after `ms` milliseconds, or with `outer`. Rejects when the signal aborts, also
 * if `run` ignores it. [LAW-DEADLINE]: the timeouts of an SDK client do not cover its search for credentials, its wait
 * for a free socket and a body that never ends.
 */
export async function withDeadline<T>(
  ms: number,
  run: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  outer?.throwIfAborted()
  const controller = new AbortController()
  const { signal } = controller
  const abort = () => controller.abort(outer?.reason)
  const timer = setTimeout(() => controller.abort(new DeadlineError(ms)), ms)
  outer?.addEventListener('abort', abort)
  try {
    return await new Promise<T>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      run(signal).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    outer?.removeEventListener('abort', abort)
  }
}
