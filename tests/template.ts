import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as z from 'zod'
import { repository } from './repository.ts'

const resource = z.object({
  Type: z.string(),
  DependsOn: z.array(z.string()).default([]),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
  Condition: z.string().optional(),
})
const schema = z.object({
  Parameters: z.record(z.string(), z.unknown()).optional(),
  Conditions: z.record(z.string(), z.unknown()).optional(),
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })),
})

/** One resource of the generated template. */
export type Resource = z.infer<typeof resource>
/** A CloudFormation template. */
export type Template = z.infer<typeof schema>

let packaged: Promise<Template> | undefined

/** Packages `serverless.yml` once, as a deployment does, without an account or a network. Returns the template. */
export function packageTemplate(): Promise<Template> {
  packaged ??= createTemplate()
  return packaged
}

async function createTemplate(): Promise<Template> {
  return packageService(['node_modules', 'packages', 'examples'], async (folder) => {
    for (const name of ['package.json', 'serverless.yml']) await copyFile(join(repository, name), join(folder, name))
  })
}

/**
 * Packages a service in a folder of links to the repository, so that nothing (`.esbuild`, `.serverless`) is written into
 * it. `write` adds the service's own files.
 */
export async function packageService(
  links: readonly string[],
  write: (folder: string) => Promise<void>,
): Promise<Template> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-deploy-'))
  try {
    for (const name of links) await symlink(join(repository, name), join(folder, name), 'junction')
    await write(folder)
    await runPackage(folder)
    return schema.parse(
      JSON.parse(await readFile(join(folder, 'out/cloudformation-template-update-stack.json'), 'utf8')),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Runs `serverless package` in `folder`. Throws its output if it fails. It has a deadline, because a bundle that fails
 * can make it hang.
 */
async function runPackage(folder: string): Promise<void> {
  const cli = join(repository, 'node_modules/serverless/bin/serverless.js')
  const options = { cwd: folder, env: offline(folder), timeout: 60_000 }
  try {
    await promisify(execFile)(process.execPath, [cli, 'package', '--package', 'out'], options)
  } catch (cause) {
    const { stdout, stderr } = z.object({ stdout: z.string(), stderr: z.string() }).parse(cause)
    throw new Error(`serverless.yml cannot be packaged:\n${stdout}${stderr}`, { cause })
  }
}

/** The resources of one type, by their logical ids. */
export function resourcesOf(template: Template, type: string): Map<string, Resource> {
  return new Map(Object.entries(template.Resources).filter(([, { Type }]) => Type === type))
}

const statement = z.object({
  Effect: z.literal('Allow'),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.unknown(),
})
const policy = z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) })
const attached = policy.extend({ Roles: z.array(z.object({ Ref: z.string() })) })

/** The statements of a role's policies, with those that it has only with a key of the account. */
export function statementsOf(template: Template, role: string): readonly z.infer<typeof statement>[] {
  const own = z.array(policy).parse(template.Resources[role]?.Properties['Policies'])
  const others = [...resourcesOf(template, 'AWS::IAM::Policy').values()]
    .map(({ Properties }) => attached.parse(Properties))
    .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === role))
  return [...own, ...others].flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

/** The environment of a pull request's check: the page too, no credentials, no home folder with any, no update check. */
function offline(folder: string): NodeJS.ProcessEnv {
  const { PATH, SYSTEMROOT, TEMP } = process.env
  return {
    PATH,
    SYSTEMROOT,
    TEMP,
    HOME: folder,
    CHAT_SITE: 'yes',
    AWS_EC2_METADATA_DISABLED: 'true',
    SLS_NOTIFICATIONS_MODE: 'off',
  }
}
