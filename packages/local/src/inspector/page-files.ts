import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A file of the page, as it is served. */
export interface PageFile {
  readonly type: string
  readonly body: string
}

const isSource = import.meta.url.endsWith('.ts')
// The package brings its sources, so that the page is built from one place, when somebody first opens it.
const folder = new URL(isSource ? './page/' : '../src/inspector/page/', import.meta.url)

const read = (name: string) => readFile(new URL(name, folder), 'utf8')

const files: Readonly<Record<string, { readonly type: string; readonly load: () => Promise<string> }>> = {
  '': { type: 'text/html; charset=utf-8', load: () => read('index.html') },
  'styles.css': { type: 'text/css; charset=utf-8', load: () => read('styles.css') },
  'main.js': { type: 'text/javascript; charset=utf-8', load: bundle },
}

/** The file of a name below the page's address, or undefined when it has no such. */
export async function loadPageFile(name: string): Promise<PageFile | undefined> {
  const file = Object.hasOwn(files, name) ? files[name] : undefined
  return file && { type: file.type, body: await file.load() }
}

async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('main.ts', folder))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    tsconfigRaw: {}, // the one beside it extends what the package does not bring
    logLevel: 'silent',
  })
  return result.outputFiles[0]?.text ?? ''
}
