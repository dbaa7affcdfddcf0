import { type Application, applicationOf } from '@trunkline/server/internal'
import { createBundle } from '../emulators/lambda/runtime/worker-bundle.ts'

/**
 * Loads the application behind a module's exported handlers. The module is loaded as its function would load it, and
 * nothing that it exports is run. Throws an `Error` that says what was expected of the module.
 */
export async function loadApplication(entry: string): Promise<Application> {
  const bundle = await createBundle({ entry, watch: false })
  try {
    return pick(entry, await load(entry, bundle.current().url))
  } finally {
    await bundle.close()
  }
}

async function load(entry: string, url: string): Promise<readonly unknown[]> {
  try {
    const exported: object = await import(url)
    return Object.values(exported)
  } catch (cause) {
    throw new Error(`${entry} could not be loaded: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

function pick(entry: string, exported: readonly unknown[]): Application {
  const [application, ...others] = new Set(exported.map(applicationOf).filter((found) => found !== undefined))
  if (application === undefined)
    throw new Error(`Expected ${entry} to export handlers, got none. Export what createLambdaHandlers returns.`)
  if (others.length > 0)
    throw new Error(
      `Expected ${entry} to export the handlers of one application, got ${others.length + 1}. Name a module for each.`,
    )
  return application
}
