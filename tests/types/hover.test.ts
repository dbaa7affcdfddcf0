import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6' // 7 has no JavaScript API
import { describe, expect, it } from 'vitest'
import { repository } from '../repository.ts'

const file = join(import.meta.dirname, 'hovered.ts')
const source = readFileSync(file, 'utf8')

/** The language service of editors, with the options of this folder. */
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

/** The text that an editor shows for each name that is marked in hovered.ts. */
const hovers = [...source.matchAll(/\/\*\?\*\/ (\w+)/g)].map((match) => {
  const [marked, name = ''] = match
  const at = match.index + marked.length - name.length
  return { name, text: ts.displayPartsToString(service.getQuickInfoAtPosition(file, at)?.displayParts) }
})

describe('what hovering shows', () => {
  it('is read from a file without errors', () => {
    const problems = service.getSemanticDiagnostics(file)
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    expect(hovers.length).toBeGreaterThan(25)
  })

  it('matches hovered.txt', async () => {
    const shown = hovers.map(({ text }) => text).join('\n\n')
    await expect(`${shown}\n`).toMatchFileSnapshot('./hovered.txt')
  })

  it.each(hovers)('over $name contains no any, no module path and no internal helper type', ({ text }) => {
    expect(text).not.toMatch(/\bany\b|import\(|\b(WithOptions|NotJson|RequireJson|Caller|ServeOptions)\b|unique symbol/)
  })

  // Two are exempt: they contain tRPC's types of a whole router or of all callbacks, whose length is tRPC's.
  const longest: Readonly<Record<string, number>> = { client: 800, subscribe: 800, error: 450 }

  it.each(hovers)('over $name is short', ({ name, text }) => {
    expect(text.length).toBeGreaterThan(0)
    expect(text.length).toBeLessThan(longest[name] ?? 350)
  })
})
