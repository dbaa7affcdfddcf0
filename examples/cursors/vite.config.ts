import { trunkline } from '@trunkline/local/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [trunkline({ entry: 'src/server/lambda.ts', port: 4440 })] })
