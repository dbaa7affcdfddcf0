import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6' // 7 has no JavaScript API
import { describe, expect, it } from 'vitest'
import { repository } from '../repository.ts'

const file = join(import.meta.dirname, 'hovered.ts')
const source = readFileSync(file, 'utf8')

/** The language service that editors ask, over the options of this folder. */
function createService(): ts.LanguageService {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(repository, 'tests/tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'))
      },
    },
  )
  const { fileExists, readFile, directoryExists, getDirectories, readDirectory } = ts.sys
  return ts.createLanguageService({
    fileExists,
    readFile,
    directoryExists,
    getDirectories,
    readDirectory,
    getCompilationSettings: () => config?.options ?? {},
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const text = readFile(name)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => repository,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
  })
}

const service = createService()

/** What an editor shows over each name that is marked in hovered.ts. */
const hovers = [...source.matchAll(/\/\*\?\*\/ (\w+)/g)].map((match) => {
  const [marked, name = ''] = match
  const at = match.index + marked.length - name.length
  return { name, text: ts.displayPartsToString(service.getQuickInfoAtPosition(file, at)?.displayParts) }
})

describe('what hovering shows', () => {
  it('is asked of a file without errors', () => {
    const problems = service.getSemanticDiagnostics(file)
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    expect(hovers.length).toBeGreaterThan(25)
  })

  it('is what stands in hovered.txt', async () => {
    const shown = hovers.map(({ text }) => text).join('\n\n')
    await expect(`${shown}\n`).toMatchFileSnapshot('./hovered.txt')
  })

  it.each(hovers)('over $name has no any, no path of a module and no helper of ours in it', ({ text }) => {
    expect(text).not.toMatch(/\bany\b|import\(|\b(WithOptions|NotJson|RequireJson|Caller|ServeOptions)\b|unique symbol/)
  })

  // The two that hold tRPC's own types of a whole router or of all callbacks are as long as tRPC makes them.
  const longest: Readonly<Record<string, number>> = { client: 800, subscribe: 800, error: 450 }

  it.each(hovers)('over $name can be read at a glance', ({ name, text }) => {
    expect(text.length).toBeGreaterThan(0)
    expect(text.length).toBeLessThan(longest[name] ?? 350)
  })
})
