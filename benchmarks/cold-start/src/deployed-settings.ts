import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { DEFAULT_SCHEMA, load, Type } from 'js-yaml'

/** `!Sub`, `!GetAtt` and the like stand for themselves: nothing of them is needed here. */
const cloudFormation = DEFAULT_SCHEMA.extend(
  (['scalar', 'sequence', 'mapping'] as const).map((kind) => new Type('!', { kind, multi: true })),
)

/** What only the packaging plugin knows; esbuild would refuse it. */
const ofThePlugin = new Set(['concurrency', 'exclude', 'outputFileExtension'])

/** How `serverless.yml` in `folder` bundles each function, as esbuild's own options. */
export function readDeployedSettings(folder: string): BuildOptions {
  const read = load(readFileSync(join(folder, 'serverless.yml'), 'utf8'), { schema: cloudFormation })
  const { custom } = read as { readonly custom: { readonly esbuild: Readonly<Record<string, unknown>> } }
  const { esbuild: settings } = custom
  const known = Object.entries(settings).filter(([name]) => !ofThePlugin.has(name))
  return { ...Object.fromEntries(known), outExtension: { '.js': String(settings['outputFileExtension']) } }
}
