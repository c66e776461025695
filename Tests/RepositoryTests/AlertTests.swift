import Foundation
import TallyCore
import Testing

/// The rules of `dashboards/alerts.json`: what can be said of them without a ledger.
@Suite(.onOwnThread) struct `The alerts` {
    /// Stands before the path of a runbook; `dashboards/README.md` says how it is filled in: Grafana does not do it.
    private static let repository = "${TALLY_REPOSITORY}/"
    private static let dataSource = "tally-ledger"

    private func rules() throws -> [[String: Any]] {
        let file = try object("dashboards/alerts.json")
        try #require(file["apiVersion"] as? Int == 1)
        let groups = try #require(file["groups"] as? [[String: Any]])
        #expect(groups.count == 1 && groups.first?["interval"] as? String == "1m")
        return try #require(groups.first?["rules"] as? [[String: Any]])
    }

    private func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: Tree.root.appendingPathComponent(path))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// The runbook of each rule, as a path in this tree.
    private func pages() throws -> [String: String] {
        var pages: [String: String] = [:]
        for rule in try rules() {
            let uid = try #require(rule["uid"] as? String)
            let said = try #require(rule["annotations"] as? [String: String], "\(uid)")
            let link = try #require(said["runbook_url"], "\(uid)")
            #expect(link.hasPrefix(Self.repository), "\(uid)")
            pages[uid] = String(link.dropFirst(Self.repository.count))
        }
        return pages
    }

    /// The file of a rule's query.
    private func path(_ uid: String) -> String {
        "sql/alerts/\(uid.dropFirst("tally-".count).replacingOccurrences(of: "-", with: "_")).sql"
    }

    @Test func `each say how urgent they are, what they mean and how long they wait`() throws {
        let rules = try rules()

        #expect(rules.count >= 8)
        #expect(Set(rules.compactMap { $0["uid"] as? String }).count == rules.count)
        #expect(Set(rules.compactMap { $0["title"] as? String }).count == rules.count)
        for rule in rules {
            let uid = try #require(rule["uid"] as? String)
            let labels = try #require(rule["labels"] as? [String: String], "\(uid)")
            let said = try #require(rule["annotations"] as? [String: String], "\(uid)")
            let wait = try #require(rule["for"] as? String, "\(uid)")
            #expect(labels["severity"] == "page" || labels["severity"] == "ticket", "\(uid)")
            #expect((said["summary"]?.count ?? 0) > 20 && (said["description"]?.count ?? 0) > 40, "\(uid)")
            #expect(wait.holds("^[0-9]+[mh]$"), "\(uid)")
            // A rule that cannot ask is not quiet.
            #expect(rule["noDataState"] as? String == "Alerting", "\(uid)")
            #expect(rule["execErrState"] as? String == "Error", "\(uid)")
        }
    }

    /// Who is called at night reads the number first, then where to look; `B` is the step that makes one number of the query.
    @Test func `each say their value with its unit, and what to look at`() throws {
        for rule in try rules() {
            let uid = try #require(rule["uid"] as? String)
            let steps = try #require(rule["data"] as? [[String: Any]], "\(uid)")
            let number = steps.first { ($0["model"] as? [String: Any])?["type"] as? String == "reduce" }
            let step = try #require(number?["refId"] as? String, "\(uid)")
            let said = try #require(rule["annotations"] as? [String: String], "\(uid)")
            let description = try #require(said["description"], "\(uid)")

            #expect(description.holds(#"\{\{ \$values\.\#(step)\.Value \}\} [a-z]{4,}"#), "\(uid)")
            #expect(description.holds(#"\bLook (at|whether) .+`"#), "\(uid)")
        }
    }

    @Test func `each ask the text of their file, and fire above one number`() throws {
        var asked: [String] = []
        for rule in try rules() {
            let uid = try #require(rule["uid"] as? String)
            let steps = try #require(rule["data"] as? [[String: Any]], "\(uid)")
            let models = steps.compactMap { $0["model"] as? [String: Any] }
            try #require(models.count == 3, "\(uid): a query, its last value, a threshold")
            #expect(steps.compactMap { $0["refId"] as? String } == ["A", "B", "C"], "\(uid)")
            #expect(models.compactMap { $0["refId"] as? String } == ["A", "B", "C"], "\(uid)")
            #expect(rule["condition"] as? String == "C", "\(uid)")
            #expect(
                steps.compactMap { $0["datasourceUid"] as? String }
                    == [Self.dataSource, "__expr__", "__expr__"], "\(uid)")
            #expect(models[1]["type"] as? String == "reduce", "\(uid)")
            #expect(models[2]["type"] as? String == "threshold", "\(uid)")

            let sql = try #require(models[0]["rawSql"] as? String, "\(uid)")
            let lines = try Tree.lines(path(uid))
            let statement = lines.drop { $0.hasPrefix("--") }.joined(separator: "\n")
            #expect(sql == statement.trimmingCharacters(in: .newlines), "\(uid)")
            #expect(!sql.contains(";") && sql.contains("tally."), "\(uid)")
            #expect(!sql.contains("$"), "\(uid): no macros and no parameters, so that psql takes it")
            #expect(lines.contains { $0.hasSuffix("the rule \(uid) of dashboards/alerts.json.") }, "\(uid)")
            asked.append(path(uid))
        }
        #expect(asked.sorted() == (try Tree.files("sql/alerts", "sql")))
    }

    @Test func `each have a page of what to do, and no page is without its alert`() throws {
        let pages = try pages()
        let list = try Tree.text("ops/runbooks/README.md")
        for (uid, page) in pages {
            let text = try Tree.text(page)
            let name = try #require(page.split(separator: "/").last)
            #expect(page == "ops/runbooks/\(name)", "\(uid)")
            #expect(text.hasPrefix("# \(name.dropLast(".md".count)): "), "\(uid)")
            #expect(text.contains("**What it means.**") && text.contains("**What is at stake.**"), "\(uid)")
            #expect(text.contains("\n1. "), "\(uid)")
            #expect(try Tree.lines(page).count < 60, "\(uid): one page")
            #expect(list.contains("\n| `\(uid)` | [\(name)](\(name)) |\n"), "\(uid)")
        }
        let named = Set(pages.values.filter { !$0.holds("/D[0-9]{2}\\.md$") })
        let found = try Tree.files("ops/runbooks", "md").filter {
            !$0.hasSuffix("/README.md") && !$0.holds("/D[0-9]{2}\\.md$")
        }
        #expect(found == named.sorted())
    }

    @Test func `are listed with their severities, and no other is`() throws {
        let section = try #require(Tree.text("dashboards/README.md").between("## Alerts", "\n## "))
        let listed = section.matches(#"^\| `([a-z-]+)` \| ([a-z]+) \|"#).map { "\($0[0]) \($0[1])" }
        let known = try rules().map { rule in
            let labels = rule["labels"] as? [String: String]
            return "\(rule["uid"] as? String ?? "") \(labels?["severity"] ?? "")"
        }
        #expect(listed.sorted() == known.sorted())
    }

    @Test func `fire at the bounds that the program has`() throws {
        let bounds = [
            "tally-outbox-old": Limits.outboxAge, "tally-serve-silent": Limits.dutySilence,
            "tally-mirror-behind": Limits.dutySilence, "tally-epoch-held": Limits.openSilence,
        ]
        for rule in try rules() {
            guard let uid = rule["uid"] as? String, let bound = bounds[uid] else { continue }
            let steps = try #require(rule["data"] as? [[String: Any]], "\(uid)")
            let model = try #require(steps.last?["model"] as? [String: Any], "\(uid)")
            let conditions = try #require(model["conditions"] as? [[String: Any]], "\(uid)")
            let evaluator = try #require(conditions.first?["evaluator"] as? [String: Any], "\(uid)")
            let threshold = (evaluator["params"] as? [Any])?.first as? Int
            #expect(threshold == Int(bound.components.seconds), "\(uid)")
        }
        let known = try pages()
        #expect(bounds.keys.allSatisfy { known[$0] != nil })
        #expect(
            try Tree.text("sql/alerts/no_worker.sql")
                .contains("interval '\(Limits.silence.components.seconds) seconds'"))
        for name in ["mirror_behind", "epoch_held", "duty_silent"] {
            // Longer than that no process reports: then the rule for `tally serve` fires.
            let report = try Tree.text("sql/alerts/\(name).sql").contains("interval '1 minute'")
            #expect(report && Limits.dutySilence == .seconds(60), "\(name)")
        }
    }

    @Test func `tell of drift but for the codes that have alerts of their own`() throws {
        let sql = try Tree.text("sql/alerts/drift_left.sql")
        let others = try #require(sql.between("f.code NOT IN (", ")")).matches("'(D[0-9]{2})'").map { $0[0] }
        let own = try pages().values.compactMap { $0.matches("/(D[0-9]{2})\\.md$").first?[0] }

        #expect(Set(others) == Set(own))
    }

    @Test func `are provisioned with the dashboard whose panels they name, on one data source`() throws {
        let folder = "dashboards/provisioning"
        let dashboard = try object("dashboards/ledger.json")
        let panels = try #require(dashboard["panels"] as? [[String: Any]]).compactMap { $0["id"] as? Int }

        for link in ["alerting/alerts.json", "dashboards/ledger.json"] {
            let file = try #require(link.split(separator: "/").last)
            #expect(try Tree.text("\(folder)/\(link)") == Tree.text("dashboards/\(file)"))
        }
        #expect(try Tree.text("\(folder)/datasources/ledger.yaml").contains("uid: \(Self.dataSource)\n"))
        for rule in try rules() where rule["panelId"] != nil || rule["dashboardUid"] != nil {
            let panel = try #require(rule["panelId"] as? Int)
            #expect(rule["dashboardUid"] as? String == dashboard["uid"] as? String && panels.contains(panel))
        }
    }
}
