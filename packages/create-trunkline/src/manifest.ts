import type { Framework, Template } from './choices.ts'
import { type Dependency, versions } from './versions.ts'

interface Needs {
  readonly dependencies?: readonly Dependency[]
  readonly devDependencies?: readonly Dependency[]
  /** The command that checks types. */
  readonly typecheck?: string
  readonly overrides?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const everyProject: Needs = {
  dependencies: ['@trpc/client', '@trpc/server', 'zod'],
  devDependencies: ['@types/node', 'esbuild', 'osls', 'serverless-esbuild', 'typescript', 'vite', 'vitest'],
}

const ofFramework: Readonly<Record<Framework, Needs>> = {
  react: {
    dependencies: ['react', 'react-dom'],
    devDependencies: ['@types/react', '@types/react-dom', '@vitejs/plugin-react'],
    typecheck: 'tsc',
    // It asks for exactly its own version of these two, with which npm refuses to install any other.
    overrides: {
      '@trpc/tanstack-react-query': { '@trpc/client': '$@trpc/client', '@trpc/server': '$@trpc/server' },
    },
  },
  svelte: {
    devDependencies: ['@sveltejs/vite-plugin-svelte', 'svelte', 'svelte-check'],
    typecheck: 'svelte-check --tsconfig tsconfig.json --fail-on-warnings',
  },
  vue: { dependencies: ['vue'], devDependencies: ['@vitejs/plugin-vue', 'vue-tsc'], typecheck: 'vue-tsc' },
  none: { typecheck: 'tsc' },
}

const ofTemplate: Readonly<Record<Template, Needs>> = {
  minimal: {},
  chat: {},
  board: { dependencies: ['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb'] },
  ai: {},
}

/** The React page of the minimal template uses TanStack Query; the other pages have stores of their own. */
const ofBoth: Readonly<Record<string, Needs>> = {
  'minimal-react': { dependencies: ['@tanstack/react-query', '@trpc/tanstack-react-query'] },
}

/** The package.json of a project. `trunkline` is the version of Trunkline's packages. */
export function createManifest(project: {
  readonly name: string
  readonly template: Template
  readonly framework: Framework
  readonly trunkline: string
}): object {
  const { name, template, framework, trunkline } = project
  const needs = [everyProject, ofFramework[framework], ofTemplate[template], ofBoth[`${template}-${framework}`] ?? {}]
  const { typecheck, overrides } = ofFramework[framework]
  const pinned = (kind: 'dependencies' | 'devDependencies', ours: readonly string[]) =>
    sorted([
      ...ours.map((each) => [`@trunkline/${each}`, trunkline] as const),
      ...needs.flatMap((each) => each[kind] ?? []).map((each) => [each, versions[each]] as const),
    ])
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: {
      start: 'vite',
      test: 'vitest run',
      typecheck,
      build: 'vite build',
      deploy: 'vite build && osls deploy',
    },
    dependencies: pinned('dependencies', ['client', 'server']),
    devDependencies: pinned('devDependencies', ['local', 'serverless']),
    ...(overrides && { overrides }),
  }
}

function sorted(entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
