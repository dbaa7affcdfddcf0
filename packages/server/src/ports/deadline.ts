/** What `withDeadline` rejects with when the time is over. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  constructor(ms: number) {
    super(`No answer came within ${ms} ms.`)
  }
}

/**
 * Runs `run` with a signal that aborts after `ms` or with `outer`, and rejects at that moment whether or not `run`
 * heeds the signal. [LAW-DEADLINE]: a client's own timeouts do not cover the search for credentials, the wait for a
 * free socket and a body that never ends.
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
