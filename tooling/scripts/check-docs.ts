// Checks the documentation: every `ts` block of the READMEs, and of the packages' pages, is type-checked against the packages' sources, and every
// relative link of every Markdown file leads to a file, and to a heading where it names one.
//
// A block is a module of its own. What all blocks of a page take for granted is declared in one comment in it:
// <!-- given
// declare const instance: string
// -->
// A block that is marked `ts ignore` is not checked.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '../..')
const tsc = join(root, 'node_modules/.bin/tsc')

/** Where code is checked that is not its own package's: there, the packages that it takes for granted are installed. */
const homes: Record<string, string> = {
  'README.md': 'examples/quickstart',
  'tooling/conformance/README.md': 'packages/pg',
}

function checkCode(page: string): { blocks: number; problems: string[] } {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)]
  const home = homes[page] ?? dirname(page)
  const directory = mkdtempSync(join(root, home, '.check-docs-'))
  try {
    for (const { index, 1: code = '' } of blocks) {
      // Blank lines in front make the compiler's line numbers the page's.
      const before = text.slice(0, index).replaceAll(/.+/g, '')
      writeFileSync(join(directory, `${index}.ts`), `${before}\n${code}`)
    }
    const given = /^<!-- given\n(.*?)^-->$/ms.exec(text)?.[1] ?? ''
    writeFileSync(join(directory, 'given.d.ts'), given)
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        extends: relative(directory, join(root, 'tsconfig.base.json')),
        compilerOptions: { noUnusedLocals: false },
        include: ['*.ts'],
        exclude: [],
      }),
    )
    const unknown = [...text.matchAll(/^```(?:typescript|ts .*)$/gm)]
      .filter(([fence]) => fence !== '```ts ignore')
      .map(([fence]) => `${page}: a block starts with ${fence}, and is not checked; write \`\`\`ts.`)
    const errors = blocks.length === 0 ? [] : runCompiler(directory, page)
    return { blocks: blocks.length, problems: [...unknown, ...errors] }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function runCompiler(directory: string, page: string): string[] {
  try {
    execFileSync(tsc, ['-p', '.', '--pretty', 'false'], { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
    return []
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string }
    if (stdout === '') throw error
    return stdout
      .trim()
      .replaceAll(/^\d+\.ts\((\d+),(\d+)\)/gm, `${page}:$1:$2`)
      .split('\n')
  }
}

function checkLinks(document: string): string[] {
  const text = withoutCode(readFileSync(join(root, document), 'utf8'))
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !leadsSomewhere(document, target))
    .map((target) => `${document}: the link ${target} leads nowhere.`)
}

function leadsSomewhere(document: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? join(root, document) : join(root, dirname(document), path)
  if (!existsSync(file)) return false
  return anchor === undefined || !file.endsWith('.md') || findAnchors(file).includes(anchor)
}

/** The anchors of a document's headings, as GitHub makes them. */
function findAnchors(file: string): string[] {
  const headings = withoutCode(readFileSync(file, 'utf8')).matchAll(/^#+ +(.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}\p{Mark} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, '')
}

const pages = globSync(['README.md', '{packages,examples,tooling}/*/README.md', 'packages/*/docs/*.md'], {
  cwd: root,
}).toSorted()
const documents = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '*.md'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)))

const code = pages.map(checkCode)
const problems = [...code.flatMap(({ problems }) => problems), ...documents.flatMap(checkLinks)]
for (const problem of problems) console.log(problem)
const blockCount = code.reduce((sum, { blocks }) => sum + blocks, 0)
const counts = `${blockCount} code blocks of ${pages.length} pages, links of ${documents.length} documents`
console.log(problems.length === 0 ? `Checked ${counts}.` : `Problems in ${counts}: see above.`)
if (problems.length > 0) {
  console.log('Declare what a page takes for granted in its <!-- given --> comment: see check-docs.ts.')
  process.exitCode = 1
}
