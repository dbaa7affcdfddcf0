import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionState } from '@trunkline/client'
import { type LocalLine, startLocalLine } from '@trunkline/local'
import { build } from 'esbuild'
import { type CompileOptions, compile, compileModule } from 'svelte/compiler'
import { get } from 'svelte/store'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { effectScope, type ShallowRef, watchEffect } from 'vue'
import { WebSocket } from 'ws'
import { line, messages } from './api/readme/line.ts'
import { type AppRouter, appRouter } from './api/readme/router.ts'
import { repository } from './repository.ts'

interface Store<T> {
  subscribe(run: (value: T) => void): () => void
}
/** What the two blocks of the client's README export. */
interface Stores {
  readonly lineState: Store<ConnectionState>
  readonly texts: (room: string) => Store<readonly string[]>
}
interface ForVue {
  readonly useStore: <T>(store: Store<T>) => Readonly<ShallowRef<T | undefined>>
}

const made = join(repository, 'tests/api/readme/frameworks')
let local: LocalLine<AppRouter>
let stores: Stores
let forVue: ForVue
beforeAll(async () => {
  local = await startLocalLine({ router: appRouter, line, createContext: () => ({ user: 'ann' }) })
  vi.stubGlobal('WebSocket', WebSocket) // as browsers and newer Nodes have it
  mkdirSync(made, { recursive: true })
  stores = await importBlock('export const lineState')
  forVue = await importBlock('export function useStore')
})
afterAll(async () => {
  vi.unstubAllGlobals()
  rmSync(made, { recursive: true, force: true })
  await local.close()
})

/** Imports a block of the client's README, unchanged but for the URL of the line. */
async function importBlock<T>(mark: string): Promise<T> {
  const readme = readFileSync(join(repository, 'packages/client/README.md'), 'utf8')
  const code = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(mark))
  if (code === undefined) throw new Error(`expected a block with "${mark}" in the client's README`)
  const file = join(made, `block-${mark.split(' ').at(-1)}.ts`)
  writeFileSync(file, code.replaceAll("from './", "from '../").replaceAll('wss://example.com', local.url))
  return await import(file)
}

const publish = (room: string, text: string) => local.run(() => messages.publish({ room }, { author: 'ann', text }))
const waitFor = (check: () => void) => vi.waitFor(check, 15_000)

/** A store of the texts of a room that records the values it passes to subscribers. */
function watched(room: string): { readonly store: Store<readonly string[]>; readonly received: (readonly string[])[] } {
  const received: (readonly string[])[] = []
  const recorded = (run: (texts: readonly string[]) => void) => (texts: readonly string[]) => {
    received.push(texts)
    run(texts)
  }
  return { store: { subscribe: (run) => stores.texts(room).subscribe(recorded(run)) }, received }
}

/** Publishes an event that only a live subscription receives, and waits until one has received it. */
async function publishUnheard(room: string): Promise<void> {
  await publish(room, 'unheard')
  let latest: readonly string[] = []
  const stop = stores.texts(room).subscribe((texts) => (latest = texts))
  await waitFor(() => expect(latest.at(-1)).toBe('unheard'))
  stop()
}

/** Bundles what Svelte compiled and imports it. */
async function importCompiled<T>(code: string, options: { readonly platform: 'node' | 'browser' }): Promise<T> {
  const stdin = { contents: code, resolveDir: repository }
  const { outputFiles } = await build({ ...options, stdin, bundle: true, format: 'esm', write: false })
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')}`)
}

test("a store of the README follows Svelte's store contract: get and runes read it, and unsubscribing stops it", async () => {
  const runes = `
    import { fromStore } from 'svelte/store'
    import { flushSync } from 'svelte'
    export { flushSync }
    export function follow(store, see) {
      const held = fromStore(store)
      return $effect.root(() => { $effect(() => see(held.current)) })
    }`
  const compiled = compileModule(runes, { generate: 'client', filename: 'follow.svelte.js' }).js.code
  const { follow, flushSync } = await importCompiled<{
    follow: (store: Store<readonly string[]>, see: (texts: readonly string[]) => void) => () => void
    flushSync: () => void
  }>(compiled, { platform: 'browser' })

  let seen: readonly string[] | undefined
  const { store, received } = watched('svelte')
  const stop = follow(store, (texts) => (seen = texts))
  flushSync()
  expect(seen).toEqual([])
  await publish('svelte', 'one')
  await waitFor(() => expect(seen).toEqual(['one']))
  expect(get(stores.lineState).status).toBe('open')
  stop()
  await publishUnheard('svelte')
  expect(received).toEqual([[], ['one']])
})

test('a $-name of a Svelte component reads a store of the README', async () => {
  const source = '<script>let { lineState } = $props()</script><p>{$lineState.status}</p>'
  const options: CompileOptions = { generate: 'server', filename: 'Badge.svelte' }
  const rendering = `${compile(source, options).js.code.replace('export default ', '')}
    import { render } from 'svelte/server'
    export const renderBadge = (props) => render(Badge, { props }).body`
  const { renderBadge } = await importCompiled<{ renderBadge: (props: object) => string }>(rendering, {
    platform: 'node',
  })
  expect(renderBadge({ lineState: stores.lineState })).toContain(`<p>${get(stores.lineState).status}</p>`)
})

test('a store of the README is a ref in Vue, and its subscription ends with the scope', async () => {
  const scope = effectScope()
  let seen: readonly string[] | undefined
  const { store, received } = watched('vue')
  scope.run(() => {
    const texts = forVue.useStore(store)
    watchEffect(() => (seen = texts.value), { flush: 'sync' })
  })
  expect(seen).toEqual([])
  await publish('vue', 'one')
  await publish('vue', 'two')
  await waitFor(() => expect(seen).toEqual(['one', 'two']))
  scope.stop()
  await publishUnheard('vue')
  expect(received).toEqual([[], ['one'], ['one', 'two']])
})
