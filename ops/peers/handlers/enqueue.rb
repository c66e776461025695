# Reads "NUMBER MILLISECONDS" lines, enqueues each, answers "ok NUMBER" or "error NUMBER WHY".
require "sidekiq"

$stdout.sync = true
$stdin.each_line do |line|
  number, milliseconds = line.split.map(&:to_i)
  begin
    id = Sidekiq::Client.push("class" => "PeerEffect", "args" => [number, milliseconds])
    puts(id ? "ok #{number}" : "error #{number} not stored")
  rescue => error
    puts("error #{number} #{error.class}: #{error.message.lines.first&.strip}")
  end
end
