/** The page's style sheet, within the page, so that it loads nothing. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f7f9; --line: #dfe3e8; --text: #1c2430; --soft: #5b6675; --link: #0b57c2;
  --get: #0b7a4b; --post: #0b57c2; --put: #8a5a00; --patch: #8a5a00; --delete: #b3261e; --code: #eef1f4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181e; --raised: #1b2129; --line: #313a46; --text: #e4e8ed; --soft: #9aa6b4; --link: #7db2ff;
    --get: #5fd39b; --post: #7db2ff; --put: #f0bb5c; --patch: #f0bb5c; --delete: #ff8f87; --code: #232b35;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1.5rem; }
body {
  margin: 0; display: grid; grid-template-columns: 19rem minmax(0, 1fr); background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre, .method { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: 0.875em; background: var(--code); padding: 0.1em 0.35em; border-radius: 4px; overflow-wrap: anywhere; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1rem; overflow-x: auto; line-height: 1.5; }
pre code { background: none; padding: 0; overflow-wrap: normal; }

nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 3rem 1.25rem; background: var(--raised);
  border-right: 1px solid var(--line); font-size: 0.875rem;
}
nav .home { display: block; font-size: 1.0625rem; font-weight: 650; color: var(--text); margin-bottom: 1rem; }
nav h2 { font-size: 0.8125rem; margin: 1.25rem 0 0.25rem; font-weight: 650; }
nav h2 a { color: var(--text); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.14rem 0; color: var(--soft); overflow-wrap: anywhere; }
nav li a:hover { color: var(--link); }
nav .method { flex: 0 0 3.1rem; font-size: 0.6875rem; }

main { max-width: 60rem; padding: 2rem 2.5rem 6rem; min-width: 0; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 0.5rem; letter-spacing: -0.01em; }
.lead { font-size: 1.125rem; color: var(--soft); margin: 0 0 1.5rem; }
main h2 { font-size: 1.5rem; margin: 0 0 0.5rem; letter-spacing: -0.01em; }
main h3 { font-size: 1.125rem; margin: 0 0 0.25rem; }
h4 { font-size: 0.8125rem; font-weight: 650; color: var(--soft); margin: 1.25rem 0 0.35rem; }
section.group { margin-top: 3.5rem; padding-top: 2rem; border-top: 2px solid var(--line); }
section.operation, section.schema { margin-top: 2rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
section.group > h3 { margin-top: 2rem; }
.anchor { color: inherit; }
.route { margin: 0.35rem 0; overflow-wrap: anywhere; }
.route code { font-size: 0.9375rem; background: none; padding: 0; }
.method { font-weight: 700; font-size: 0.8125rem; }
.method.get { color: var(--get); } .method.post { color: var(--post); } .method.put { color: var(--put); }
.method.patch { color: var(--patch); } .method.delete { color: var(--delete); }
.roles { margin: 0.35rem 0; font-size: 0.875rem; color: var(--soft); }
.role { display: inline-block; border: 1px solid var(--line); border-radius: 999px; padding: 0 0.6em; color: var(--text); background: var(--raised); }
.optional { font-size: 0.75rem; color: var(--soft); font-weight: 400; }
.format, .limits { color: var(--soft); }
.media { font-size: 0.875rem; color: var(--soft); margin: 0.35rem 0; }

.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 0.8125rem; }
th, td { padding: 0.4rem 1rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { white-space: nowrap; }
td:last-child { min-width: 11rem; }
tr.or td { color: var(--soft); font-size: 0.8125rem; font-style: italic; }
td.depth-1 { padding-left: 1.25rem; } td.depth-2 { padding-left: 2.5rem; }
td.depth-3 { padding-left: 3.75rem; } td.depth-4 { padding-left: 5rem; }
.answers { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr); margin: 0; font-size: 0.9375rem; }
.answers dt { padding: 0.3rem 0; font-weight: 650; font-variant-numeric: tabular-nums; }
.answers dd { margin: 0; padding: 0.3rem 0; min-width: 0; }
.answers dd p { margin: 0; }
.answers .media { margin-left: 0.35rem; }
.header { font-size: 0.875rem; color: var(--soft); }
.s2 { color: var(--get); } .s4, .s5 { color: var(--delete); }
.common { font-size: 0.875rem; color: var(--soft); margin: 0.25rem 0 0; }
details { margin-top: 0.35rem; }
summary { cursor: pointer; color: var(--link); font-size: 0.875rem; }
details.example { margin-top: 1rem; }
:target > h3 .anchor { background: color-mix(in srgb, var(--link) 18%, transparent); box-shadow: 0 0 0 4px color-mix(in srgb, var(--link) 18%, transparent); border-radius: 2px; }

@media (max-width: 60rem) {
  body { display: block; }
  nav { position: static; height: auto; max-height: 45vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1.5rem 1.25rem 4rem; }
}
@media print {
  body { display: block; } nav { display: none; }
}
`;
