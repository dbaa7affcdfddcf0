import { defineConfig } from 'tsup'

export default defineConfig({
  entry: [
    'src/{index,internal}.ts',
    'src/{apigateway,aws,dynamodb,erase,jwt,lambda,memory,ports,ports/testing,powertools,tickets}/index.ts',
  ],
  format: 'esm',
  target: 'node20',
  dts: false,
  clean: true,
  sourcemap: true,
  splitting: true,
  treeshake: { moduleSideEffects: false }, // else entries keep bare imports of chunks, and esbuild warns of them in every user's build
})
