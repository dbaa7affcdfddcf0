import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/ai.ts', 'src/http.ts', 'src/partitions.ts', 'src/react.ts'],
  format: 'esm',
  target: 'node20',
  dts: false,
  clean: true,
  sourcemap: true,
  splitting: true,
  treeshake: { moduleSideEffects: false }, // else entries keep bare imports of chunks, and esbuild warns of them in every user's build
})
