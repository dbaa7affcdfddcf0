/** What a start has opened so far. A start that fails closes it, so that no server, thread or file stays open. */
export interface Resources {
  /** Keeps what is being opened; `close` is called for it unless the opening fails. */
  add<T>(opening: T | Promise<T>, close: (opened: T) => unknown): Promise<T>
  /** Closes everything, the newest first, and waits for what is still being opened. Never rejects. */
  close(): Promise<void>
}

/** No resources yet. */
export function createResources(): Resources {
  const closings: (() => Promise<unknown>)[] = []
  return {
    add(opening, close) {
      const opened = Promise.resolve(opening)
      closings.push(() => opened.then(close))
      return opened
    },
    async close() {
      // the error of the start is the one that is reported
      for (const closing of closings.splice(0).reverse()) await closing().catch(() => {})
    },
  }
}

/** Runs a start. When it rejects, what it has opened is closed first. */
export async function withResources<T>(start: (resources: Resources) => Promise<T>): Promise<T> {
  const resources = createResources()
  try {
    return await start(resources)
  } catch (error) {
    await resources.close()
    throw error
  }
}
