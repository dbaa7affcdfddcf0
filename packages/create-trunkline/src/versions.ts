/**
 * The exact versions of other packages in a generated project. They were installed, compiled and run together, and
 * tests do it again for every template and framework. A package of the repository has the version that is here.
 */
export const versions = {
  '@aws-sdk/client-dynamodb': '3.1164.0',
  '@aws-sdk/lib-dynamodb': '3.1162.0',
  '@sveltejs/vite-plugin-svelte': '7.3.1',
  '@tanstack/react-query': '5.108.0',
  '@trpc/client': '11.25.2',
  '@trpc/server': '11.25.2',
  '@trpc/tanstack-react-query': '11.22.1',
  '@types/node': '24.19.2',
  '@types/react': '19.3.0',
  '@types/react-dom': '19.3.0',
  '@vitejs/plugin-react': '6.3.0',
  '@vitejs/plugin-vue': '6.0.11',
  esbuild: '0.28.2',
  osls: '4.3.1',
  react: '19.3.1',
  'react-dom': '19.3.1',
  'serverless-esbuild': '1.57.2',
  svelte: '5.57.3',
  'svelte-check': '4.7.8',
  typescript: '6.0.3', // the compilers of Svelte and Vue need its JavaScript API, which 7 does not have
  vite: '8.3.8',
  vitest: '4.1.12',
  vue: '3.5.45',
  'vue-tsc': '3.3.14',
  zod: '4.6.7',
} as const

/** A package that a generated project can depend on, besides those of Trunkline. */
export type Dependency = keyof typeof versions
