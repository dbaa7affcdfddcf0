import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A file of the page as it is served. */
export interface PageFile {
  readonly type: string
  readonly body: string
}

const isSource = import.meta.url.endsWith('.ts')
// The package includes the page's sources; the page is built from them on first use.
const folder = new URL(isSource ? './page/' : '../src/inspector/page/', import.meta.url)

const read = (name: string) => readFile(new URL(name, folder), 'utf8')

const files: Readonly<Record<string, { readonly type: string; readonly load: () => Promise<string> }>> = {
  '': { type: 'text/html; charset=utf-8', load: () => read('index.html') },
  'styles.css': { type: 'text/css; charset=utf-8', load: () => read('styles.css') },
  'main.js': { type: 'text/javascript; charset=utf-8', load: bundle },
}

/** The file with this name below the page's address. Undefined when there is none. */
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
    tsconfigRaw: {}, // the sources' own tsconfig extends a file that the package does not include
    logLevel: 'silent',
  })
  return result.outputFiles[0]?.text ?? ''
}
