type SourceMap = import('node:module').SourceMap

/**
 * The location at the end of a line of a stack. A path begins after a space or a parenthesis: a search from each slash
 * of a long line would take minutes.
 */
const location = /(?<=[\s(])(?:file:\/\/)?(\/[^\s():]+\.[cm]?js):(\d+):(\d+)(?=\)?$)/
const frame = /^ {4}at /
/** The lines of a stack that get locations of sources. Node records ten unless `Error.stackTraceLimit` says more. */
const mostFrames = 100
/** The maps that were read: their number is that of the bundle's files. */
const maps = new Map<string, SourceMap>()

/**
 * The stack of an error. In a deployed function, whose platform sets `_HANDLER`, it has the locations of the sources
 * instead of those of the bundle. The map of a file is read when an error is logged: `--enable-source-maps` would read
 * the maps of all files at init, which takes 16 ms. The message of the error is not changed. Never throws; undefined
 * for an error whose stack is no text.
 */
export function stackOf(error: Error): string | undefined {
  const stack = textOf(error)
  if (stack === undefined || process.env['_HANDLER'] === undefined) return stack
  const lines = stack.split('\n')
  const message = lines.findLastIndex((line) => !frame.test(line)) // the frames are the last lines
  for (const [index, line] of lines.entries())
    if (index > message && index > lines.length - 1 - mostFrames) lines[index] = line.replace(location, toSource)
  return lines.join('\n')
}

/** `Error.prepareStackTrace` of an application may return anything, and a getter may throw. */
function textOf(error: Error): string | undefined {
  try {
    const stack: unknown = error.stack
    return typeof stack === 'string' ? stack : undefined
  } catch {
    return undefined
  }
}

function toSource(built: string, file: string, line: string, column: string): string {
  const origin = mapOf(file)?.findOrigin(Number(line), Number(column))
  if (origin === undefined || !('fileName' in origin)) return built
  const { dirname, resolve } = process.getBuiltinModule('node:path')
  return `${resolve(dirname(file), origin.fileName)}:${origin.lineNumber}:${origin.columnNumber}`
}

function mapOf(file: string): SourceMap | undefined {
  const known = maps.get(file) ?? readMap(file)
  if (known !== undefined) maps.set(file, known)
  return known
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
