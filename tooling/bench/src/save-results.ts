import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../scripts/run-command.ts'
import { summarizeMachine } from './machine.ts'
import { renderPlot } from './plot.ts'
import { toJson, toMarkdown, type Report } from './report.ts'
import type { RunResult } from './run.ts'

const directory = join(import.meta.dirname, '..')
const begin = '<!-- results: written by `pnpm bench` -->'
const end = '<!-- end of results -->'

/** Keeps the results of a run of everything: as JSON and plots in `results`, and as a table in the README. */
export async function saveResults(report: Report, plots: RunResult['plots']): Promise<void> {
  const results = join(directory, 'results')
  await rm(results, { recursive: true, force: true })
  await mkdir(results)
  await writeFile(join(results, 'results.json'), toJson(report))
  const footnote = `${summarizeMachine(report.machine)}; ${report.startedAt.toISOString().slice(0, 10)}`
  const pictures: string[] = []
  for (const { metric, plot } of plots) {
    const file = `${metric.names[0]}.svg`
    await writeFile(join(results, file), renderPlot(plot, { title: metric.title, footnote }))
    pictures.push(`![${metric.title}](results/${file})`)
  }

  const readme = join(directory, 'README.md')
  const text = await readFile(readme, 'utf8')
  const [before, rest] = split(text, begin)
  const [, after] = split(rest, end)
  await writeFile(
    readme,
    [before, begin, '\n\n', toMarkdown(report), '\n', pictures.join('\n\n'), '\n\n', end, after].join(''),
  )
  await runCommand(
    [join(directory, '../../node_modules/.bin/oxfmt'), readme, join(results, 'results.json')],
    { cwd: directory },
  )
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at === -1) throw new Error(`The README lacks the mark ${mark}.`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}
