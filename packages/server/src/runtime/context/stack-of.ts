type SourceMap = import('node:module').SourceMap

const location = /(?:file:\/\/)?(\/[^\s():]+\.m?js):(\d+):(\d+)/g
const maps = new Map<string, SourceMap | undefined>()

/**
 * The stack of an error. In a deployed function, whose platform sets `_HANDLER`, it has the locations of the sources
 * instead of those of the bundle. The map of a file is read when an error is logged: `--enable-source-maps` would read
 * the maps of all files at init, which takes 16 ms.
 */
export function stackOf(error: Error): string | undefined {
  const { stack } = error
  if (stack === undefined || process.env['_HANDLER'] === undefined) return stack
  return stack.replace(location, toSource)
}

function toSource(built: string, file: string, line: string, column: string): string {
  const origin = mapOf(file)?.findOrigin(Number(line), Number(column))
  if (origin === undefined || !('fileName' in origin)) return built
  const { dirname, resolve } = process.getBuiltinModule('node:path')
  return `${resolve(dirname(file), origin.fileName)}:${origin.lineNumber}:${origin.columnNumber}`
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file))
  return maps.get(file)
}

/** Undefined for a file without a map, such as one of the platform. */
function readMap(file: string): SourceMap | undefined {
  const { SourceMap } = process.getBuiltinModule('node:module')
  try {
    return new SourceMap(JSON.parse(process.getBuiltinModule('node:fs').readFileSync(`${file}.map`, 'utf8')))
  } catch {
    return undefined
  }
}
