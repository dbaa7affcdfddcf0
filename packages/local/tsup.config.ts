import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'asyncapi/index': 'src/asyncapi/index.ts',
    cli: 'src/cli.ts',
    'inspector-application': 'src/inspector/application/application-main.ts',
    'dev/vite': 'src/dev/vite.ts',
    'worker-main': 'src/emulators/lambda/runtime/worker-main.ts',
  },
  format: 'esm',
  target: 'node20',
  dts: false,
  clean: true,
  sourcemap: true,
  splitting: true,
  treeshake: { moduleSideEffects: false }, // else entries keep bare imports of chunks, and esbuild warns of them in every user's build
})
