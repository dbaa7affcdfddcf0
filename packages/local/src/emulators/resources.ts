/**
 * The resources that a start has opened so far. If the start fails, it closes them, so that no server, thread or file
 * stays open.
 */
export interface Resources {
  /** Adds a resource that is being opened. `close` is called for it unless opening it fails. */
  add<T>(opening: T | Promise<T>, close: (opened: T) => unknown): Promise<T>
  /** Closes all resources, newest first, and waits for those that are still opening. Never rejects. */
  close(): Promise<void>
}

/** Creates an empty list of resources. */
function createResources(): Resources {
  const closings: (() => Promise<unknown>)[] = []
  return {
    add(opening, close) {
      const opened = Promise.resolve(opening)
      closings.push(() => opened.then(close))
      return opened
    },
    async close() {
      // the start's own error is reported, not an error of closing
      for (const closing of closings.splice(0).reverse()) await closing().catch(() => {})
    },
  }
}

/** Runs a start. If it rejects, the opened resources are closed first. */
export async function withResources<T>(start: (resources: Resources) => Promise<T>): Promise<T> {
  const resources = createResources()
  try {
    return await start(resources)
  } catch (error) {
    await resources.close()
    throw error
  }
}
