/** Options of esbuild. */
export interface BundleSettings {
  readonly bundle: true
  readonly minify: true
  readonly splitting: true
  readonly sourcemap: 'linked'
  readonly sourcesContent: false
  readonly platform: 'node'
  readonly format: 'esm'
  readonly target: string
  readonly mainFields: string[]
  readonly banner: { js: string }
}

/**
 * How the functions of a line are bundled, as options of esbuild: for the shortest cold start.
 *
 * - What is loaded by `import()` is a file of its own, which a cold start reads only if it needs it.
 * - The modules of the AWS SDK are taken in place of its CommonJS build, because esbuild drops their unused parts.
 * - The AWS SDK is a part of the bundle: it is the version that was tested, and it is read faster than Lambda's own.
 * - CommonJS packages in the bundle find `require`.
 */
export const bundleSettings: BundleSettings = {
  bundle: true,
  minify: true,
  splitting: true,
  sourcemap: 'linked', // read when an error is logged; an inline map triples the start of a function
  sourcesContent: false,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  mainFields: ['module', 'main'],
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
}
