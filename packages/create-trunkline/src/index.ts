export type { Framework, PackageManager, Template } from './choices.ts'
export { frameworks, packageManagers, templates } from './choices.ts'
export { createProject, type ProjectOptions, writeProject } from './create-project.ts'
