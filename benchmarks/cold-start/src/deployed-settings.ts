import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleSettings } from '@trunkline/deploy'
import type { BuildOptions } from 'esbuild'
import { DEFAULT_SCHEMA, load, Type } from 'js-yaml'

/** Parses CloudFormation tags such as `!Sub` and `!GetAtt` as plain values, since their results are not needed. */
const cloudFormation = DEFAULT_SCHEMA.extend(
  (['scalar', 'sequence', 'mapping'] as const).map((kind) => new Type('!', { kind, multi: true })),
)

/** The settings of the packaging plugin, which esbuild would reject. */
const ofThePlugin = new Set(['concurrency'])

/** Reads how functions are bundled, as options of esbuild: `@trunkline/serverless`, and `serverless.yml` in `folder`. */
export function readDeployedSettings(folder: string): BuildOptions {
  const read = load(readFileSync(join(folder, 'serverless.yml'), 'utf8'), { schema: cloudFormation })
  const { custom } = read as { readonly custom: { readonly esbuild: Readonly<Record<string, unknown>> } }
  const { esbuild: settings } = custom
  const known = Object.entries(settings).filter(([name]) => !ofThePlugin.has(name))
  return { ...bundleSettings, ...Object.fromEntries(known), outExtension: { '.js': '.mjs' } }
}
