-- The database and the user of one site, by an administrator, once. Put the site's name for SITE, a password for PASSWORD
-- and the network that the site connects from for '%'. The site makes and migrates the tables itself.
CREATE DATABASE IF NOT EXISTS `entrepot_SITE` CHARACTER SET utf8mb4;
CREATE USER 'entrepot_SITE'@'%' IDENTIFIED BY 'PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP, REFERENCES, TRIGGER ON `entrepot_SITE`.* TO 'entrepot_SITE'@'%';
