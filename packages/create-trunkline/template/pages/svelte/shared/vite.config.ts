import { svelte } from '@sveltejs/vite-plugin-svelte'
import { trunkline } from '@trunkline/local/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [svelte(), trunkline()] })
