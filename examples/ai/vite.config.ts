import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: join(import.meta.dirname, 'src/web'), // wherever the build is started
  base: './', // the page may be served from any folder: a bucket's, a dev server's
  plugins: [react()],
  resolve: { conditions: ['trunkline-source', 'module', 'browser', 'development|production'] },
  build: { outDir: '../../dist/web', emptyOutDir: true, target: 'es2022' },
})
